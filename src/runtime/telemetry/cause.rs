//! What made something happen, so that both are parts of one trace although time lies between them.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span that a cause was part of; nothing where there are no traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause(Option<Box<SpanContext>>);

impl Cause {
    /// The current span.
    pub fn current() -> Self {
        let context = Span::current().context();
        let span = context.span().span_context().clone();
        Self(span.is_valid().then(|| Box::new(span)))
    }

    /// Makes a span that was not entered yet a part of the trace of its cause.
    pub fn began(&self, span: &Span) {
        if let Some(cause) = &self.0 {
            // A span that is filtered out has no parent to be told of.
            let _ = span.set_parent(Context::new().with_remote_span_context(SpanContext::clone(cause)));
        }
    }

    /// This one, or where there is none the other.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }
}
