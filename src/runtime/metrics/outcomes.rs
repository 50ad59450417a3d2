//! What is counted, each kind with its closed set of outcomes.

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The status was written.
    Written,
    /// Nothing had changed.
    Unchanged,
    /// A final verdict of before this process began was taken over.
    Adopted,
    /// Another writer was faster; the verdict was dropped.
    Conflict,
    /// The Lease was lost while looking; the verdict was dropped.
    Lost,
    /// The object is gone or going.
    Gone,
    /// The report was deleted because its time was over.
    Expired,
    /// The API server refused or did not answer.
    Error,
    /// It took too long.
    Timeout,
    /// It panicked.
    Panic,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 10] = [
        Self::Written,
        Self::Unchanged,
        Self::Adopted,
        Self::Conflict,
        Self::Lost,
        Self::Gone,
        Self::Expired,
        Self::Error,
        Self::Timeout,
        Self::Panic,
    ];

    /// Name of the outcome as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Adopted => "adopted",
            Self::Conflict => "conflict",
            Self::Lost => "lost",
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
        }
    }
}

/// What became of a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseEvent {
    /// It was taken.
    Gained,
    /// It could not be renewed, or was taken away.
    Lost,
    /// It was given away.
    Released,
}

impl LeaseEvent {
    /// All that may become of one.
    pub const ALL: [Self; 3] = [Self::Gained, Self::Lost, Self::Released];

    /// As a label and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

/// What became of asking GitHub for a webhook delivery that had failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// GitHub sends it again.
    Asked,
    /// GitHub does not.
    Refused,
    /// What failed could not be listed.
    Failed,
}

impl Redelivery {
    /// All that may become of one.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Refused, Self::Failed];

    /// As a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What became of a record for the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// The store has it.
    Stored,
    /// The store could not be used; it is tried again.
    Failed,
    /// The store does not take it, and is not asked again.
    Refused,
    /// Too many waited; the next look at the report tells again.
    Dropped,
}

impl Keeping {
    /// All that may become of it.
    pub const ALL: [Self; 4] = [Self::Stored, Self::Failed, Self::Refused, Self::Dropped];

    /// As a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
        }
    }
}

/// What became of copying an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copying {
    /// It is in the store now.
    Copied,
    /// It was there already.
    Found,
    /// It is not; the report says why.
    Failed,
}

impl Copying {
    /// All that may become of it.
    pub const ALL: [Self; 3] = [Self::Copied, Self::Found, Self::Failed];

    /// As a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Found => "found",
            Self::Failed => "failed",
        }
    }
}

/// What became of telling a sink of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The sink took it.
    Delivered,
    /// The sink could not be reached, or has trouble of its own; it is told again.
    Failed,
    /// The sink does not want it, and is not told again.
    Refused,
    /// Too many waited; it is told again.
    Dropped,
}

impl Telling {
    /// All that may become of it.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Refused, Self::Dropped];

    /// As a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
        }
    }
}
