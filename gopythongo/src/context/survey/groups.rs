//! Dependency groups (PEP 735).

use toml::Value;

use crate::python::{name::normalize, project::Project};

/// The requirements of the first of `names` that is a group, included groups resolved, as written; `None` where none is.
pub(super) fn group(project: &mut Project, names: &[&str]) -> Option<Vec<String>> {
    names.iter().find_map(|name| {
        find(project, name)?;
        let mut requirements = Vec::new();
        collect(project, name, &mut Vec::new(), &mut requirements);
        Some(requirements)
    })
}

fn find(project: &Project, name: &str) -> Option<Vec<Value>> {
    let groups = project.table(&["dependency-groups"])?;
    groups.iter().find(|(key, _)| normalize(key) == normalize(name))?.1.as_array().cloned()
}

fn collect(project: &mut Project, name: &str, above: &mut Vec<String>, requirements: &mut Vec<String>) {
    let file = project.directory.join("pyproject.toml");
    let name = normalize(name);
    if above.contains(&name) {
        project.problems.push(format!("{}: dependency group `{name}` includes itself", file.display()));
        return;
    }
    let Some(items) = find(project, &name) else {
        project
            .problems
            .push(format!("{} has no dependency group `{name}`, which another one includes", file.display()));
        return;
    };
    above.push(name);
    for item in items {
        match (item.as_str(), item.get("include-group").and_then(Value::as_str)) {
            (Some(requirement), _) => requirements.push(requirement.to_owned()),
            (None, Some(group)) => collect(project, group, above, requirements),
            (None, None) => {}
        }
    }
    above.pop();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn groups_include_groups() {
        let text = "[dependency-groups]\nTests = ['pytest', { include-group = 'a_b' }]\na-B = ['trio']\nloop = [{ include-group = 'loop' }]\nlost = [{ include-group = 'x' }]\n";
        let directory = tree(&[("pyproject.toml", text)]);
        let mut project = Project::read(directory.path());
        assert_eq!(group(&mut project, &["test", "tests"]), Some(vec!["pytest".to_owned(), "trio".to_owned()]));
        assert_eq!(group(&mut project, &["typing"]), None);
        assert!(project.problems.is_empty());
        assert_eq!(group(&mut project, &["loop"]), Some(Vec::new()));
        assert_eq!(group(&mut project, &["lost"]), Some(Vec::new()));
        let problems: Vec<&str> =
            project.problems.iter().filter_map(|problem| Some(problem.split_once("toml")?.1)).collect();
        assert_eq!(
            problems,
            [": dependency group `loop` includes itself", " has no dependency group `x`, which another one includes",]
        );
    }
}
