//! What a pull request changes.

use super::api::{PER_PAGE, Repo};
use super::client::Shape;
use super::{Result, wire};

impl Repo<'_> {
    /// One page of the files that a pull request changes; the flag tells that more follow.
    pub async fn changed_files(&self, number: i64, page: u32) -> Result<(Vec<wire::ChangedFile>, bool)> {
        let path = format!("{}/pulls/{number}/files?per_page={PER_PAGE}&page={page}", self.root());
        let what = format!("files of pull request {number} of {}", self.name());
        let answer = self.answer::<Vec<wire::ChangedFile>>(&path, &what, Shape::List).await?;
        let full = answer.value.len() >= PER_PAGE;
        Ok((answer.value, answer.more.unwrap_or(full)))
    }
}
