-- What decided about a commit, packed: what another spec would have said of it. BYTES is what each database calls them.
CREATE TABLE history_facts (
  commit_id BIGINT PRIMARY KEY REFERENCES history_commits (id) ON DELETE CASCADE,
  observed BIGINT NOT NULL,
  facts BYTES NOT NULL
);
