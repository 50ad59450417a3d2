//! RSpec, minitest, and ExUnit, which is like them.

use super::*;

const RSPEC_RED: &str = "\
Randomized with seed 4711
..F*.

Pending: (Failures listed here are expected and do not affect your suite's status)

  1) Text trims later
     # Not yet implemented
     # ./spec/text_spec.rb:9

Failures:

  1) Maths adds numbers
     Failure/Error: expect(2 + 2).to eq(5)

       expected: 5
            got: 4

       12 passing (3ms)
     # ./spec/maths_spec.rb:14:in `block (2 levels) in <top (required)>'

Finished in 0.02 seconds (files took 0.1 seconds to load)
5 examples, 1 failure, 1 pending

Failed examples:

rspec ./spec/maths_spec.rb:12 # Maths adds numbers

Randomized with seed 4711
";

const RSPEC: &[Case] = &[
    Case {
        what: "RSpec passes",
        log: "....\n\nFinished in 0.02 seconds (files took 0.1 seconds to load)\n4 examples, 0 failures\n",
        format: Format::Rspec,
        counts: [4, 4, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "RSpec fails",
        log: RSPEC_RED,
        format: Format::Rspec,
        counts: [5, 3, 1, 0, 0, 1, 0],
        failures: &[("Maths adds numbers", "./spec/maths_spec.rb:14")],
        complete: true,
    },
    Case {
        what: "only the list names the failures",
        log: "Finished in 1 minute 2.1 seconds (files took 0.1 seconds to load)\n4 examples, 1 failure\n\nFailed examples:\n\nrspec ./spec/maths_spec.rb:12 # Maths adds numbers\n\n",
        format: Format::Rspec,
        counts: [4, 3, 1, 0, 0, 0, 0],
        failures: &[("Maths adds numbers", "./spec/maths_spec.rb:12")],
        complete: true,
    },
    Case {
        what: "a file that does not load",
        log: "An error occurred while loading ./spec/a_spec.rb.\n\nFinished in 0.02 seconds (files took 0.1 seconds to load)\n0 examples, 0 failures, 1 error occurred outside of examples\n",
        format: Format::Rspec,
        counts: [0; 7],
        failures: &[("errors outside of examples", "-")],
        complete: false,
    },
    Case {
        what: "RSpec is interrupted",
        log: "..\nRSpec is shutting down and will print the summary report... Interrupt again to force quit (warning: at_exit hooks will be skipped if you force quit).\n\nFinished in 0.02 seconds (files took 0.1 seconds to load)\n2 examples, 0 failures\n",
        format: Format::Rspec,
        counts: [2, 2, 0, 0, 0, 0, 0],
        failures: &[],
        complete: false,
    },
    Case {
        what: "RSpec is killed",
        log: "Randomized with seed 4711\n....",
        format: Format::Rspec,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a summary in no place",
        log: "4 examples, 0 failures\nFinished in 0.1 seconds\nFailures:\n  1) none\n",
        format: Format::Unknown,
        counts: [0; 7],
        failures: &[],
        complete: true,
    },
];

const MINITEST_RED: &str = "\
Running 5 tests in a single process (parallelization threshold is 50)
Run options: --seed 123

# Running:

.F

Failure:
MathsTest#test_adds [test/maths_test.rb:12]:
Expected: 5
  Actual: 4

bin/rails test test/maths_test.rb:10

E

Error:
FilesTest#test_opens:
Errno::ENOENT: No such file or directory
    lib/files.rb:3:in `open'
    test/files_test.rb:20:in `block in <class:FilesTest>'

bin/rails test test/files_test.rb:18

S.

Finished in 0.012s, 416.6 runs/s, 500.0 assertions/s.
5 runs, 6 assertions, 1 failures, 1 errors, 1 skips
";

const MINITEST: &[Case] = &[
    Case {
        what: "minitest passes",
        log: "Run options: --seed 123\n\n# Running:\n\n12 passing (3ms)\nok 1 - a\n....\n\nFinished in 0.012s, 416.6 runs/s, 500.0 assertions/s.\n4 runs, 6 assertions, 0 failures, 0 errors, 0 skips\n",
        format: Format::Minitest,
        counts: [4, 4, 0, 0, 0, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "Rails fails",
        log: MINITEST_RED,
        format: Format::Minitest,
        counts: [5, 2, 1, 1, 1, 0, 0],
        failures: &[("test_adds", "test/maths_test.rb:12"), ("test_opens", "lib/files.rb:3")],
        complete: true,
    },
    Case {
        what: "minitest is killed",
        log: "Run options: --seed 123\n\n# Running:\n\n....",
        format: Format::Minitest,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
    Case {
        what: "test-unit",
        log: "Finished in 0.001 seconds.\n-------\n3 tests, 3 assertions, 0 failures, 0 errors, 1 pendings, 1 omissions, 0 notifications\n100% passed\n",
        format: Format::Minitest,
        counts: [3, 1, 0, 0, 1, 1, 0],
        failures: &[],
        complete: true,
    },
];

const EXUNIT: &[Case] = &[
    Case {
        what: "ExUnit passes",
        log: "Running ExUnit with seed: 1, max_cases: 8\n\n....\nFinished in 0.1 seconds (0.1s async, 0.00s sync)\n1 doctest, 3 tests, 0 failures, 1 excluded\n",
        format: Format::Exunit,
        counts: [4, 3, 0, 0, 1, 0, 0],
        failures: &[],
        complete: true,
    },
    Case {
        what: "ExUnit fails",
        log: "Running ExUnit with seed: 1, max_cases: 8\n\n\n  1) test adds numbers (Shop.MathsTest)\n     test/maths_test.exs:5\n     Assertion with == failed\n     code:  assert 2 + 2 == 5\n     left:  4\n     right: 5\n     stacktrace:\n       test/maths_test.exs:7: (test)\n\n..\nFinished in 0.1 seconds (0.1s async, 0.00s sync)\n3 tests, 1 failure\n",
        format: Format::Exunit,
        counts: [3, 2, 1, 0, 0, 0, 0],
        failures: &[("adds numbers", "test/maths_test.exs:7")],
        complete: true,
    },
    Case {
        what: "ExUnit is killed",
        log: "Running ExUnit with seed: 1, max_cases: 8\n\n....\n",
        format: Format::Exunit,
        counts: [0; 7],
        failures: &[],
        complete: false,
    },
    Case {
        what: "a setup that fails takes its tests along",
        log: "Running ExUnit with seed: 1, max_cases: 8\n\n.\nFinished in 0.1 seconds (0.1s async, 0.00s sync)\n3 tests, 0 failures, 2 invalid\n",
        format: Format::Exunit,
        counts: [3, 1, 0, 2, 0, 0, 0],
        failures: &[],
        complete: false,
    },
];

#[test]
fn rspec_is_read_as_it_counts() {
    hold(RSPEC, &["4 examples"]);
}

#[test]
fn minitest_is_read_as_it_counts() {
    hold(MINITEST, &["4 runs", "3 tests, 3"]);
    let red = parse("a.log", MINITEST_RED);
    assert_eq!(message(&red, "test_adds"), "Expected: 5 Actual: 4");
}

#[test]
fn exunit_is_read_as_it_counts() {
    hold(EXUNIT, &["3 tests"]);
}
