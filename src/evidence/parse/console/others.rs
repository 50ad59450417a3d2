//! The readers of tools whose consoles have nothing in common with each other: each is asked in turn,
//! and one whose run is under way gets all that is printed.

use super::run::Console;
use super::{
    Line, bun, catch, ctest, deno, dotnet, exunit, gradle, gtest, maven, minitest, nodetest, phpunit, rspec,
    unittest, xctest,
};
use crate::evidence::parse::sink::Sink;

/// The readers.
pub(super) struct Others([Box<dyn Console>; 15]);

impl Default for Others {
    fn default() -> Self {
        Self([
            Box::new(unittest::Unittest::default()),
            Box::new(maven::Maven::default()),
            Box::new(gradle::Gradle::default()),
            Box::new(dotnet::Dotnet::default()),
            Box::new(phpunit::Phpunit::default()),
            Box::new(rspec::Rspec::default()),
            Box::new(minitest::Minitest::default()),
            Box::new(exunit::Exunit::default()),
            Box::new(ctest::Ctest::default()),
            Box::new(gtest::Gtest::default()),
            Box::new(nodetest::Nodetest::default()),
            Box::new(bun::Bun::default()),
            Box::new(deno::Deno::default()),
            Box::new(xctest::Xctest::default()),
            Box::new(catch::Catch::default()),
        ])
    }
}

impl Others {
    /// Whether a run is under way.
    pub(super) fn running(&self) -> bool {
        self.0.iter().any(|reader| reader.running())
    }

    /// Whether lines that start with nothing special are wanted.
    pub(super) fn open(&self) -> bool {
        self.0.iter().any(|reader| reader.open())
    }

    /// Takes a line; true if it was one of a tool, or of a test that it runs.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut Sink) -> bool {
        let owner = self.0.iter().position(|reader| reader.running());
        if let Some(reader) = owner.and_then(|at| self.0.get_mut(at))
            && (reader.line(line, sink) || reader.running())
        {
            return true;
        }
        let mut rest = self.0.iter_mut().enumerate().filter(|(at, _)| Some(*at) != owner);
        rest.any(|(_, reader)| reader.line(line, sink))
    }

    /// The log, or its step, ended.
    pub(super) fn end(&mut self, sink: &mut Sink) {
        self.0.iter_mut().for_each(|reader| reader.end(sink));
    }
}

#[cfg(test)]
pub(super) fn patterns() -> Vec<&'static crate::evidence::parse::text::Pattern> {
    [
        unittest::patterns(),
        maven::patterns(),
        gradle::patterns(),
        dotnet::patterns(),
        phpunit::patterns(),
        rspec::patterns(),
        minitest::patterns(),
        exunit::patterns(),
        ctest::patterns(),
        gtest::patterns(),
        nodetest::patterns(),
        bun::patterns(),
        deno::patterns(),
        xctest::patterns(),
        catch::patterns(),
    ]
    .concat()
}
