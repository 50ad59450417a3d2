//! What made something happen, so that both are parts of one trace although time lies between them.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
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

    /// As the header `traceparent` of W3C Trace Context says it to another process.
    pub fn traceparent(&self) -> Option<String> {
        let span = self.0.as_ref()?;
        Some(format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
    }

    /// Reads such a header; nothing where it is none. Whether its sender may be believed is for the caller to know.
    pub fn from_traceparent(text: &str) -> Self {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let read = || {
            let mut parts = text.split('-');
            let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let good = version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
            if !good || parts.next().is_some() {
                return None;
            }
            let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
            let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
            let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
            context.is_valid().then(|| Box::new(context))
        };
        Self(read())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_is_written_and_nothing_else_is() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(Cause::from_traceparent(good).traceparent().as_deref(), Some(good));
        // Flags that are not known are not passed on.
        let odd = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff";
        assert_eq!(Cause::from_traceparent(odd).traceparent().as_deref(), Some(good));
        for bad in [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031+c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Cause::from_traceparent(bad), Cause::default(), "{bad}");
        }
    }
}
