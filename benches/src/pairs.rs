//! Alternating pairs: A, B, A, B, …, so that other load of the machine affects both.

use std::{
    iter,
    time::{Duration, Instant},
};

/// The values of all rounds for one number.
#[derive(Clone, Debug)]
pub struct Series(Vec<f64>);

impl Series {
    /// A series of at least one number.
    pub fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// The number in the middle.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// The smallest and the greatest.
    pub fn spread(&self) -> (f64, f64) {
        (self.0[0], self.0[self.0.len() - 1])
    }
}

/// The rounds of several subjects, taken in turn.
pub struct Rounds(Vec<Vec<f64>>);

/// The shortest of three runs of `work`: other load can only add time.
pub fn fastest(mut work: impl FnMut()) -> Duration {
    let run = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    iter::repeat_with(run).take(3).min().unwrap_or_default()
}

/// Runs each subject once per round.
pub fn alternate(rounds: usize, subjects: &mut [&mut dyn FnMut() -> f64]) -> Rounds {
    let round = |_| subjects.iter_mut().map(|subject| subject()).collect();
    Rounds((0..rounds).map(round).collect())
}

/// The same for subjects that return several numbers each: the rounds of each number.
pub fn alternate_all(rounds: usize, subjects: &mut [&mut dyn FnMut() -> Vec<f64>]) -> Vec<Rounds> {
    let round = |_| subjects.iter_mut().map(|subject| subject()).collect();
    let rounds: Vec<Vec<Vec<f64>>> = (0..rounds).map(round).collect();
    let numbers = rounds[0][0].len();
    let of = |number: usize, round: &Vec<Vec<f64>>| round.iter().map(|all| all[number]).collect();
    (0..numbers)
        .map(|number| Rounds(rounds.iter().map(|round| of(number, round)).collect()))
        .collect()
}

impl Rounds {
    /// The numbers of one subject.
    pub fn of(&self, subject: usize) -> Series {
        Series::new(self.0.iter().map(|round| round[subject]).collect())
    }

    /// The difference of one subject and the sum of others, in each round.
    pub fn difference(&self, subject: usize, to: &[usize]) -> Series {
        let all = |round: &Vec<f64>| to.iter().map(|other| round[*other]).sum::<f64>();
        let more = |round: &Vec<f64>| round[subject] - all(round);
        Series::new(self.0.iter().map(more).collect())
    }

    /// The ratio of one subject and another, in each round.
    pub fn ratio(&self, subject: usize, to: usize) -> Series {
        Series::new(
            self.0
                .iter()
                .map(|round| round[subject] / round[to])
                .collect(),
        )
    }
}
