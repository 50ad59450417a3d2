-- Sums of each day (of UTC), so that a ranking reads days and not results. They are written with the rows they sum.
-- A writer of before this would leave them behind: the column that it wants has another name now, so that it stops.
-- CLUSTERED is what makes SQLite keep rows in the order of their key.
ALTER TABLE history_verdicts RENAME COLUMN observed TO looked;
-- 0: what is of this commit is in no sum yet.
ALTER TABLE history_commits ADD COLUMN summed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX history_commits_to_sum ON history_commits (id) WHERE summed = 0;

-- A result counts on the day on which it ended, a commit on the last day of its results, and a flake on the last day from
-- which on it is one: a sum over all days since some day is then what the rows since that day come to.
CREATE TABLE history_days (
  series_id BIGINT NOT NULL REFERENCES history_series (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  results BIGINT NOT NULL,
  passed BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  seconds BIGINT NOT NULL,
  commits BIGINT NOT NULL,
  flaky BIGINT NOT NULL,
  longest BIGINT NOT NULL,
  PRIMARY KEY (series_id, day)
) CLUSTERED;

CREATE TABLE history_test_days (
  test_id BIGINT NOT NULL REFERENCES history_tests (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  flaky BIGINT NOT NULL,
  PRIMARY KEY (test_id, day)
) CLUSTERED;
