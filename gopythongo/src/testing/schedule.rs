//! What goes wrong in a run and its resumptions, and where.

use std::fmt;

use crate::support::words;

/// How many steps are under way at once where they come in other orders.
pub(super) const THREADS: usize = 3;

/// Something that goes wrong, once, in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mishap {
    /// The step fails, and has done nothing.
    Fails,
    /// The run is killed when the intent of an effect is written, and nothing of it is done.
    DiesBefore,
    /// The run is killed when an effect is done, and its receipt is not written.
    DiesAfter,
    /// An effect is done, and its server's answer never arrives.
    LosesAnswer,
}

impl Mishap {
    /// What can go wrong in a step.
    pub(super) fn of(effect: bool) -> &'static [Self] {
        if effect { &[Self::Fails, Self::DiesBefore, Self::DiesAfter, Self::LosesAnswer] } else { &[Self::Fails] }
    }
}

/// Faults in the order in which they come: in which run (0 is the first, 1 its first resumption), in which step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    pub(super) faults: Vec<(usize, String, Mishap)>,
    /// What decides the order of steps; without one, it is that of the plan.
    pub(super) seed: Option<u64>,
}

impl Schedule {
    /// The same and one fault more.
    pub(super) fn and(&self, run: usize, step: &str, fault: Mishap) -> Self {
        let mut more = self.clone();
        more.faults.push((run, step.to_owned(), fault));
        more
    }

    /// What decides the order of the steps of one of its runs.
    pub(super) fn seed_of(&self, run: usize) -> Option<u64> {
        self.seed.map(|seed| seed.wrapping_mul(31).wrapping_add(run as u64))
    }

    /// How a test says the order of steps.
    pub(super) fn order(&self) -> String {
        self.seed.map(|seed| format!(".interleaved({seed})")).unwrap_or_default()
    }

    /// How a test says one of its runs, with what goes wrong in it.
    pub(super) fn script(&self, run: usize) -> String {
        let faults = self.faults.iter().filter(|(number, ..)| *number == run);
        let faults = faults.map(|(_, step, fault)| {
            let verb = match fault {
                Mishap::Fails => "fails",
                Mishap::DiesBefore => "dies_before",
                Mishap::DiesAfter => "dies_after",
                Mishap::LosesAnswer => "loses_answer",
            };
            format!(".{verb}({step:?})")
        });
        faults.collect::<String>() + if run == 0 { ".run()" } else { ".resume()" }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = |number: usize| match number {
            0 => "in the run".to_owned(),
            1 => "in its resumption".to_owned(),
            number => format!("in its resumption number {number}"),
        };
        let faults: Vec<String> = self
            .faults
            .iter()
            .map(|(number, step, fault)| {
                let what = match fault {
                    Mishap::Fails => format!("`{step}` fails"),
                    Mishap::DiesBefore => {
                        format!("the program is killed between the intent of `{step}` and the effect")
                    }
                    Mishap::DiesAfter => {
                        format!("the program is killed between the effect of `{step}` and its receipt")
                    }
                    Mishap::LosesAnswer => format!("the answer to `{step}` is lost"),
                };
                format!("{}, {what}", run(*number))
            })
            .collect();
        match faults.as_slice() {
            [] => f.write_str("nothing goes wrong")?,
            faults => f.write_str(&words::list(faults))?,
        }
        match self.seed {
            Some(seed) => write!(f, "; steps in the order of seed {seed}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_told_and_can_be_repeated() {
        let schedule = Schedule { seed: Some(7), ..Schedule::default() };
        let schedule = schedule.and(0, "money/pytest", Mishap::Fails).and(1, "promote", Mishap::DiesAfter);
        assert_eq!(
            schedule.to_string(),
            "in the run, `money/pytest` fails and in its resumption, the program is killed between the effect of \
             `promote` and its receipt; steps in the order of seed 7"
        );
        let script = schedule.order() + &(0..3).map(|run| schedule.script(run)).collect::<String>();
        assert_eq!(script, ".interleaved(7).fails(\"money/pytest\").run().dies_after(\"promote\").resume().resume()");
    }
}
