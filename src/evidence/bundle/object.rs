//! Objects of Kubernetes as far as they tell what went wrong; everything else is skipped.

use serde::de::{Deserialize, Deserializer};

/// Takes `null` for nothing: dumps write it where a field is empty.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Declares a part of an object: every field may be missing or null.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(super) struct $name {
            $(#[serde(deserialize_with = "nullable")] pub(super) $field: $type,)*
        }
    };
}

part! {
    /// Any object, and a list of them.
    Object {
        kind: String,
        metadata: Metadata,
        spec: Spec,
        status: Status,
        items: Vec<Object>,
        // The fields of an event, in both of its versions.
        reason: String,
        message: String,
        note: String,
        r#type: String,
        count: u64,
        deprecated_count: u64,
        series: Series,
        first_timestamp: String,
        last_timestamp: String,
        deprecated_first_timestamp: String,
        deprecated_last_timestamp: String,
        event_time: String,
        involved_object: Reference,
        regarding: Reference,
    }
}
part! {
    Metadata {
        name: String,
        namespace: String,
        uid: String,
        creation_timestamp: String,
    }
}
part! {
    Series {
        count: u64,
        last_observed_time: String,
    }
}
part! {
    Reference {
        kind: String,
        name: String,
        namespace: String,
    }
}
part! {
    Spec {
        replicas: Option<u64>,
    }
}
part! {
    Status {
        phase: String,
        reason: String,
        message: String,
        conditions: Vec<Condition>,
        container_statuses: Vec<Container>,
        init_container_statuses: Vec<Container>,
        replicas: u64,
        ready_replicas: u64,
        available_replicas: u64,
        desired_number_scheduled: u64,
        number_ready: u64,
        failed: u64,
        succeeded: u64,
        active: u64,
    }
}
part! {
    Condition {
        r#type: String,
        status: String,
        reason: String,
        message: String,
        last_transition_time: String,
    }
}
part! {
    Container {
        name: String,
        ready: bool,
        restart_count: u64,
        state: State,
        last_state: State,
    }
}
part! {
    State {
        waiting: Option<Waiting>,
        running: Option<Running>,
        terminated: Option<Terminated>,
    }
}
part! {
    Waiting {
        reason: String,
        message: String,
    }
}
part! {
    Running {
        started_at: String,
    }
}
part! {
    Terminated {
        reason: String,
        message: String,
        exit_code: i64,
        finished_at: String,
    }
}

impl Object {
    /// `namespace/name`, or the name of an object that is in no namespace.
    pub(super) fn name(&self) -> String {
        join(&self.metadata.namespace, &self.metadata.name)
    }
}

impl Reference {
    /// `Kind namespace/name`.
    pub(super) fn name(&self) -> String {
        let name = join(&self.namespace, &self.name);
        if self.kind.is_empty() { name } else { format!("{} {name}", self.kind) }
    }
}

fn join(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}
