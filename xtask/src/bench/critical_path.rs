//! The critical path of a run: the longest way through its steps, by what their commands took.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

use super::measured::Measured;

/// The steps on the longest way through a run with `--json`, first to last, each with what its commands took.
pub(super) fn critical_path(run: &Measured) -> Result<Vec<(String, Duration)>> {
    Ok(Steps::of(run)?.path("commands_ms"))
}

/// What the steps of a run waited for, and what they took.
struct Steps {
    needs: BTreeMap<String, Vec<String>>,
    finished: BTreeMap<String, Value>,
}

impl Steps {
    fn of(run: &Measured) -> Result<Self> {
        let (mut needs, mut finished) = (BTreeMap::new(), BTreeMap::new());
        for event in run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            match event["type"].as_str() {
                Some("run-started") => {
                    for step in event["plan"]["steps"].as_array().context("a run begins with its plan")? {
                        let of = step["needs"].as_array().into_iter().flatten();
                        let of = of.filter_map(|need| Some(need.as_str()?.to_owned())).collect();
                        needs.insert(step["id"].as_str().context("a step has an id")?.to_owned(), of);
                    }
                }
                Some("step-finished") => {
                    let id = event["step"].as_str().context("a step has an id")?.to_owned();
                    finished.insert(id, event);
                }
                _ => {}
            }
        }
        Ok(Self { needs, finished })
    }

    /// The steps on the longest way through the run, first to last, each with what a field says that it took.
    fn path(&self, field: &str) -> Vec<(String, Duration)> {
        let mut ways = BTreeMap::new();
        let ends = self.needs.keys().map(|id| self.way(id, field, &mut ways));
        let longest = ends.max_by_key(|(_, time)| *time);
        let mut at = longest.map(|(id, _)| id);
        let mut path = Vec::new();
        while let Some(id) = at {
            at = ways.get(&id).and_then(|(before, _)| before.clone());
            path.push((id.clone(), self.took(&id, field)));
        }
        path.reverse();
        path
    }

    /// The longest way up to the end of a step; which step stands before it is kept.
    fn way(
        &self,
        id: &str,
        field: &str,
        ways: &mut BTreeMap<String, (Option<String>, Duration)>,
    ) -> (String, Duration) {
        if let Some((_, time)) = ways.get(id) {
            return (id.to_owned(), *time);
        }
        let needs = self.needs.get(id).into_iter().flatten();
        let before = needs.map(|need| self.way(need, field, ways)).max_by_key(|(_, time)| *time);
        let time = before.as_ref().map_or(Duration::ZERO, |(_, time)| *time) + self.took(id, field);
        ways.insert(id.to_owned(), (before.map(|(id, _)| id), time));
        (id.to_owned(), time)
    }

    fn took(&self, id: &str, field: &str) -> Duration {
        let took = self.finished.get(id).and_then(|event| event[field].as_u64());
        Duration::from_millis(took.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_path_is_the_longest_way() -> Result<()> {
        let stdout = r#"{"type":"run-started","plan":{"steps":[{"id":"a","needs":[]},{"id":"b","needs":["a"]},
            {"id":"c","needs":["a"]},{"id":"d","needs":["b","c"]}]}}"#
            .replace('\n', "");
        let took =
            |id: &str, ms: u64| format!("\n{{\"type\":\"step-finished\",\"step\":\"{id}\",\"commands_ms\":{ms}}}");
        let stdout = stdout + &took("a", 1) + &took("b", 5) + &took("c", 3) + &took("d", 2);
        let run = Measured { wall: Duration::ZERO, own: Duration::ZERO, cpu: Duration::ZERO, stdout };
        let path = critical_path(&run)?;
        let expected = [("a", 1), ("b", 5), ("d", 2)];
        assert_eq!(path, expected.map(|(id, ms)| (id.to_owned(), Duration::from_millis(ms))));
        Ok(())
    }
}
