-- For SQLite and PostgreSQL alike; IDENTITY is what each of them calls a key that counts by itself.
CREATE TABLE history_commits (
  id IDENTITY,
  namespace TEXT NOT NULL,
  connection TEXT NOT NULL,
  repository TEXT NOT NULL,
  sha TEXT NOT NULL,
  branch TEXT,
  base_branch TEXT,
  pull_request BIGINT,
  started BIGINT NOT NULL,
  UNIQUE (namespace, connection, repository, sha)
);
CREATE INDEX history_commits_of_namespace ON history_commits (namespace, started, id);
CREATE INDEX history_commits_by_age ON history_commits (started);

CREATE TABLE history_verdicts (
  commit_id BIGINT NOT NULL REFERENCES history_commits (id) ON DELETE CASCADE,
  report TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  final BIGINT NOT NULL,
  decided BIGINT,
  waived TEXT,
  observed BIGINT NOT NULL,
  PRIMARY KEY (commit_id, report)
);

CREATE TABLE history_series (
  id IDENTITY,
  namespace TEXT NOT NULL,
  connection TEXT NOT NULL,
  repository TEXT NOT NULL,
  workflow TEXT NOT NULL,
  job TEXT NOT NULL,
  UNIQUE (namespace, connection, repository, workflow, job)
);
CREATE INDEX history_series_by_job ON history_series (namespace, job);

CREATE TABLE history_results (
  id IDENTITY,
  series_id BIGINT NOT NULL REFERENCES history_series (id),
  commit_id BIGINT NOT NULL REFERENCES history_commits (id) ON DELETE CASCADE,
  run_id BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  job_id BIGINT NOT NULL,
  event TEXT NOT NULL,
  conclusion TEXT NOT NULL,
  started BIGINT,
  finished BIGINT NOT NULL,
  tests_total BIGINT,
  tests_failed BIGINT,
  fingerprint TEXT,
  UNIQUE (series_id, run_id, attempt, job_id)
);
CREATE INDEX history_results_by_time ON history_results (series_id, finished, id);
CREATE INDEX history_results_of_commit ON history_results (commit_id, series_id);

CREATE TABLE history_tests (
  id IDENTITY,
  series_id BIGINT NOT NULL REFERENCES history_series (id),
  name TEXT NOT NULL,
  UNIQUE (series_id, name)
);
CREATE INDEX history_tests_by_name ON history_tests (name);

CREATE TABLE history_failures (
  test_id BIGINT NOT NULL REFERENCES history_tests (id),
  result_id BIGINT NOT NULL REFERENCES history_results (id) ON DELETE CASCADE,
  PRIMARY KEY (test_id, result_id)
);
CREATE INDEX history_failures_of_result ON history_failures (result_id);
