//! The plan as a picture: Mermaid or Graphviz.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{Action, Plan, PlannedStep};

/// A language for graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// Mermaid's `flowchart`.
    Mermaid,
    /// Graphviz' `digraph`.
    Dot,
}

/// The plan in a language for graphs: the steps that run, grouped by job, effects drawn apart. Edges that follow from
/// others are left out. Ends in a line break.
#[must_use]
pub fn graph(plan: &Plan, format: GraphFormat) -> String {
    let picture = Picture::of(plan);
    match format {
        GraphFormat::Mermaid => picture.mermaid(),
        GraphFormat::Dot => picture.dot(),
    }
}

struct Picture<'a> {
    pipeline: &'a str,
    jobs: Vec<&'a str>,
    /// The nodes, numbered by their place here.
    steps: Vec<&'a PlannedStep>,
    /// From a step to one that needs it.
    edges: Vec<(usize, usize)>,
}

impl<'a> Picture<'a> {
    fn of(plan: &'a Plan) -> Self {
        let steps: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.action == Action::Run).collect();
        let numbers: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(n, step)| (step.id.as_str(), n)).collect();
        // Needs stand before those who need them, so that one pass knows all that is behind a step.
        let mut behind: Vec<BTreeSet<usize>> = Vec::new();
        let mut edges = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let needs = step.needs.iter().filter_map(|need| numbers.get(need.as_str()).copied());
            let needs: BTreeSet<usize> = needs.filter(|need| *need < number).collect();
            let through: BTreeSet<usize> = needs.iter().flat_map(|need| behind[*need].iter().copied()).collect();
            edges.extend(needs.difference(&through).map(|need| (*need, number)));
            behind.push(needs.union(&through).copied().collect());
        }
        Self { pipeline: &plan.pipeline, jobs: plan.jobs(), steps, edges }
    }

    fn steps_of(&self, job: &str) -> impl Iterator<Item = (usize, &'a PlannedStep)> {
        self.steps.iter().copied().enumerate().filter(move |(_, step)| step.job == job && step.id.contains('/'))
    }

    fn whole(&self) -> impl Iterator<Item = (usize, &'a PlannedStep)> {
        self.steps.iter().copied().enumerate().filter(|(_, step)| !step.id.contains('/'))
    }

    fn mermaid(&self) -> String {
        let node = |number: usize, step: &PlannedStep| match step.effect {
            Some(_) => format!("s{number}([\"⇡ {}\"]):::effect", label(step)),
            None => format!("s{number}[\"{}\"]", label(step)),
        };
        let mut text = "flowchart LR\n".to_owned();
        for (number, job) in self.jobs.iter().enumerate() {
            let _ = writeln!(text, "  subgraph j{number}[\"{}\"]", escaped(job));
            for (number, step) in self.steps_of(job) {
                let _ = writeln!(text, "    {}", node(number, step));
            }
            text.push_str("  end\n");
        }
        for (number, step) in self.whole() {
            let _ = writeln!(text, "  {}", node(number, step));
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  s{from} --> s{to}");
        }
        text.push_str("  classDef effect stroke-width:3px\n");
        text
    }

    fn dot(&self) -> String {
        let node = |step: &PlannedStep| {
            let (mark, shape) = if step.effect.is_some() { ("⇡ ", ", style=bold, shape=oval") } else { ("", "") };
            format!("\"{}\" [label=\"{mark}{}\"{shape}];", escaped(&step.id), label(step))
        };
        let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n", escaped(self.pipeline));
        for (number, job) in self.jobs.iter().enumerate() {
            let _ = writeln!(text, "  subgraph cluster_{number} {{\n    label=\"{}\";", escaped(job));
            for (_, step) in self.steps_of(job) {
                let _ = writeln!(text, "    {}", node(step));
            }
            text.push_str("  }\n");
        }
        for (_, step) in self.whole() {
            let _ = writeln!(text, "  {}", node(step));
        }
        for (from, to) in &self.edges {
            let (from, to) = (escaped(&self.steps[*from].id), escaped(&self.steps[*to].id));
            let _ = writeln!(text, "  \"{from}\" -> \"{to}\";");
        }
        text.push_str("}\n");
        text
    }
}

fn label(step: &PlannedStep) -> String {
    escaped(step.id.split_once('/').map_or(step.id.as_str(), |(_, name)| name))
}

/// Without what ends a quoted string in either language. Names of valid pipelines have none of it.
fn escaped(text: &str) -> String {
    text.replace(['"', '\\', '\n'], "'")
}

#[cfg(test)]
mod tests {
    use super::{super::example, GraphFormat, graph};

    #[test]
    fn mermaid_groups_steps_by_job_and_leaves_out_edges_that_follow() {
        let expected = "\
flowchart LR
  subgraph j0[\"money\"]
    s0[\"wheel\"]
    s1[\"pytest\"]
    s2([\"⇡ upload\"]):::effect
  end
  subgraph j1[\"shop\"]
    s3[\"resolve\"]
    s4[\"integration-tests\"]
  end
  s5([\"⇡ promote\"]):::effect
  s0 --> s1
  s1 --> s2
  s2 --> s3
  s3 --> s4
  s4 --> s5
  classDef effect stroke-width:3px
";
        assert_eq!(graph(&example::develop(), GraphFormat::Mermaid), expected);
    }

    #[test]
    fn dot_has_a_cluster_for_each_job() {
        let dot = graph(&example::develop(), GraphFormat::Dot);
        assert!(dot.starts_with("digraph \"storefront\" {\n"), "{dot}");
        assert!(
            dot.contains("  subgraph cluster_0 {\n    label=\"money\";\n    \"money/wheel\" [label=\"wheel\"];\n"),
            "{dot}"
        );
        assert!(dot.contains("  \"money/upload\" -> \"shop/resolve\";\n"), "{dot}");
        assert!(!dot.contains("\"money/wheel\" -> \"promote\""), "{dot}");
    }

    #[test]
    fn steps_that_are_skipped_are_not_drawn() {
        assert!(!graph(&example::feature(), GraphFormat::Dot).contains("upload"));
    }
}
