-- How long single tests took, of those that passed and were among the slowest of their result.
CREATE TABLE history_durations (
  test_id BIGINT NOT NULL REFERENCES history_tests (id),
  result_id BIGINT NOT NULL REFERENCES history_results (id) ON DELETE CASCADE,
  millis BIGINT NOT NULL,
  PRIMARY KEY (test_id, result_id)
) CLUSTERED;
CREATE INDEX history_durations_of_result ON history_durations (result_id);

-- Sums of them, each on the day on which its result ended.
CREATE TABLE history_slow_days (
  test_id BIGINT NOT NULL REFERENCES history_tests (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  timed BIGINT NOT NULL,
  millis BIGINT NOT NULL,
  longest BIGINT NOT NULL,
  PRIMARY KEY (test_id, day)
) CLUSTERED;

-- Commits that are in sums. Who deletes one without taking it out of them is refused: writers of a version before do, and
-- people who know no better.
CREATE TABLE history_held (
  commit_id BIGINT PRIMARY KEY REFERENCES history_commits (id)
) CLUSTERED;
INSERT INTO history_held (commit_id) SELECT id FROM history_commits;
