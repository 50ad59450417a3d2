//! Every reader of the evidence engine on damaged inputs, as long as asked for.
//!
//! `cargo run --release --example fuzz -- [ITERATIONS] [SEED] [READER...]` prints for each reader how many
//! inputs it had and how it answered; the laws are those of `src/evidence/fuzz`. It ends with 1 and the
//! input at the first law that does not hold. The same seed makes the same inputs.
//!
//! `... --example fuzz -- every [BYTES] [READER...]` tries each report cut off at every byte, and with every byte of it
//! replaced by others: by the BYTES that mean most to readers, or by all 256. It tells of every law that does not
//! hold, up to ten of a report.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testrun_operator::evidence;

#[path = "../src/evidence/fuzz/mod.rs"]
mod fuzz;

use fuzz::{Answer, Fixture, TARGETS, Target, archived, changed, damage, ops, torn};

/// What a byte is replaced by, what means most to readers first.
const BYTES: &[u8] = b"x0\" <>/1{}[]:,9-#&;='.\\\0\t(|)A\x1b\xff!*+%~\xc3\xe2";
/// Laws that do not hold that are told of one report.
const TOLD: usize = 10;

/// Inputs of each reader where no number is given.
const ITERATIONS: u64 = 10_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "every") {
        return every(&args);
    }
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse::<u64>().ok());
    let (iterations, seed) = (number(0).unwrap_or(ITERATIONS), number(1).unwrap_or(1));
    let wanted = |target: &&Target| args.len() < 3 || args.iter().skip(2).any(|name| name == target.name);
    println!("| reader | inputs | bytes | a second | green | red | incomplete | no tests | read |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut sum = 0;
    for target in TARGETS.iter().filter(wanted) {
        let begun = Instant::now();
        match search(target, iterations, seed) {
            Ok(tried) => {
                sum += tried.inputs;
                let answer = |answer| tried.answers.get(&answer).copied().unwrap_or(0);
                println!(
                    "| {} | {} | {} | {:.0} | {} | {} | {} | {} | {} |",
                    target.name,
                    tried.inputs,
                    tried.bytes,
                    tried.inputs as f64 / begun.elapsed().as_secs_f64().max(1e-9),
                    answer(Answer::Green),
                    answer(Answer::Red),
                    answer(Answer::Incomplete),
                    answer(Answer::Nothing),
                    answer(Answer::Read),
                );
            }
            Err(why) => {
                println!("{}: {why}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    println!("\n{sum} inputs, seed {seed}: every law holds");
    ExitCode::SUCCESS
}

/// Tries every byte of every report.
fn every(args: &[String]) -> ExitCode {
    let asked = args.get(1).and_then(|arg| arg.parse::<usize>().ok());
    let names = args.get(if asked.is_some() { 2 } else { 1 }..).unwrap_or_default();
    let mut bytes = BYTES.to_vec();
    bytes.extend((0..=u8::MAX).filter(|byte| !BYTES.contains(byte)));
    bytes.truncate(asked.unwrap_or(BYTES.len()));
    println!("| reader | report | bytes | inputs | a second |\n|---|---|---:|---:|---:|");
    let (mut sum, mut broken) = (0, 0);
    let wanted =
        |target: &&Target| target.reports && (names.is_empty() || names.iter().any(|n| n == target.name));
    for target in TARGETS.iter().filter(wanted) {
        for fixture in target.fixtures {
            let begun = Instant::now();
            let (inputs, wrong) = each_byte(fixture, &bytes);
            let a_second = inputs as f64 / begun.elapsed().as_secs_f64().max(1e-9);
            let size = fixture.bytes.len();
            println!("| {} | {} | {size} | {inputs} | {a_second:.0} |", target.name, fixture.name);
            wrong.iter().take(TOLD).for_each(|why| println!("{}: {why}", target.name));
            sum += inputs;
            broken += wrong.len();
        }
    }
    println!("\n{sum} inputs: {broken} break a law");
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many inputs a report makes, and which laws do not hold.
fn each_byte(fixture: &Fixture, bytes: &[u8]) -> (u64, Vec<String>) {
    let (mut inputs, mut wrong) = (0, Vec::new());
    for at in 0..fixture.bytes.len() {
        wrong.extend(torn(fixture, at).err());
        inputs += 1;
        if fixture.is_green() {
            continue;
        }
        for byte in bytes.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
            wrong.extend(changed(fixture, at, *byte).err());
            inputs += 1;
        }
    }
    (inputs, wrong)
}

/// What was tried of one reader.
#[derive(Default)]
struct Tried {
    inputs: u64,
    bytes: u64,
    answers: BTreeMap<Answer, u64>,
}

fn search(target: &Target, iterations: u64, seed: u64) -> Result<Tried, String> {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(into, byte)| *into = byte);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let others: Vec<&[u8]> = TARGETS.iter().flat_map(|t| t.fixtures).map(|fixture| fixture.bytes).collect();
    let plan = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..20, any::<u8>(), ops());
    let noise = prop::collection::vec(any::<u8>(), 0..600);
    let mut tried = Tried::default();
    for _ in 0..iterations {
        let fail = |why: proptest::test_runner::Reason| why.to_string();
        let (which, at, way, byte, ops) = plan.new_tree(&mut runner).map_err(fail)?.current();
        let fixture = which.get(target.fixtures);
        let input = match way {
            0 => noise.new_tree(&mut runner).map_err(fail)?.current(),
            1 => damage(&archived(fixture.bytes, usize::from(byte))?, &ops, &others),
            _ => damage(fixture.bytes, &ops, &others),
        };
        if target.reports {
            let at = at.index(fixture.bytes.len());
            torn(fixture, at)?;
            changed(fixture, at, byte)?;
        }
        let answer = (target.check)(&input)
            .map_err(|why| format!("{why}\n--- {} bytes: {}", input.len(), input.escape_ascii()))?;
        tried.inputs += 1;
        tried.bytes += input.len() as u64;
        *tried.answers.entry(answer).or_default() += 1;
    }
    Ok(tried)
}
