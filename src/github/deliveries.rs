//! Webhook deliveries of an App, as GitHub keeps them for some days.

use super::cache::Reply;
use super::{App, Result, error, wire};

/// Pages of failed deliveries that are read, of 100 each, newest first.
const MAX_PAGES: usize = 5;

impl App {
    /// Deliveries that GitHub could not get rid of, newest first; each attempt is one.
    pub async fn failed_deliveries(&self) -> Result<Vec<wire::Delivery>> {
        let what = "the failed webhook deliveries of the App";
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut path = "/app/hook/deliveries?status=failure&per_page=100".to_owned();
            if let Some(cursor) = &cursor {
                path.push_str(&format!("&cursor={}", super::api::segment(cursor)));
            }
            let Reply { status, headers, body } = self.itself().unremembered(&path, what).await?;
            if !status.is_success() {
                return Err(self.itself().refused(status, &headers, &body, what));
            }
            let page: Vec<wire::Delivery> = serde_json::from_slice(&body)
                .map_err(|_| error::invalid(what, "is not the JSON that is expected"))?;
            all.extend(page);
            cursor = error::header(&headers, "link").and_then(next_cursor);
            if cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// Has GitHub send one again.
    pub async fn redeliver(&self, id: i64) -> Result<()> {
        let path = format!("/app/hook/deliveries/{id}/attempts");
        let what = format!("another delivery of webhook {id}");
        self.itself().post(&path, None, &what).await
    }

    /// GitHub's clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.itself().transport().clock().now()
    }
}

/// Where the next page begins. Nothing else of the link is used, so that it leads nowhere else.
fn next_cursor(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    let query = address.split_once('?')?.1;
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!cursor.is_empty() && cursor.len() <= 200 && cursor.chars().all(plain)).then(|| cursor.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cursor_of_a_link_is_used() {
        let of = |link: &str| next_cursor(link);
        assert_eq!(
            of(
                r#"<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_17323292984>; rel="next""#
            ),
            Some("v1_17323292984".to_owned())
        );
        assert_eq!(
            of(
                r#"<https://evil.example/?cursor=1>; rel="prev", <https://evil.example/x?cursor=2>; rel="next""#
            ),
            Some("2".to_owned())
        );
        for none in ["", "next", r#"<https://a/b>; rel="next""#, r#"<https://a/b?cursor=%2e/x>; rel="next""#]
        {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
