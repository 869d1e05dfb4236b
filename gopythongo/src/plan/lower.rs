//! From jobs to steps: which run in this build and why, what they need, and the promotion at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Plan, PlanContext, Selection, StepId, UNKNOWN,
    dependents::with_dependents,
    draft::Draft,
    needs::{Needs, in_order},
    trust,
};
use crate::{
    context::{BuildKind, Context, Kinds},
    deploy::Switch,
    package::Deb,
    pipeline::{Declaration, Job, Pipeline},
    python::implied,
    run::{AnyStep, Manner, Step},
    store::Promote,
    support::{Written, words},
};

/// The kind of the step that measures all suites of a job together.
const RATCHET: &str = "coverage-ratchet";

/// A plan and the code of its steps.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The plan.
    pub plan: Written<Plan>,
    /// The code by step id.
    pub code: BTreeMap<StepId, AnyStep>,
}

/// Makes the plan. Pure: the same pipeline, context and selection give the same bytes.
#[must_use]
pub fn lower(pipeline: &Pipeline, context: &Context, selection: &Selection) -> Lowered {
    let pipeline = &*with_dependents(pipeline, context);
    let selected = selected(pipeline, selection);
    let mut drafts: Vec<Draft<'_>> = pipeline
        .jobs
        .iter()
        .filter(|job| selected.contains(job.name.as_str()))
        .flat_map(|job| drafts(job, context))
        .collect();
    name_packages(&mut drafts, pipeline, context.kind);
    trust::restrict(&mut drafts, context);
    let left_out = left_out(pipeline, &selected, &drafts);
    if let Some(promotion) = promotion(&drafts, context, &left_out) {
        hold_deployments(&mut drafts, &promotion);
        drafts.push(promotion);
    }
    mark_protected(&mut drafts);
    let needs = Needs::of(&drafts, pipeline);
    let needs: Vec<Vec<usize>> = (0..drafts.len()).map(|number| needs.of_step(number)).collect();
    let ids: Vec<StepId> = drafts.iter().map(Draft::id).collect();
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().map(Some).collect();
    let (mut steps, mut code) = (Vec::with_capacity(drafts.len()), Vec::with_capacity(drafts.len()));
    for number in in_order(&needs) {
        let Some(draft) = drafts[number].take() else { continue };
        let needs = needs[number].iter().map(|need| ids[*need].clone()).collect();
        let known = draft.job.and_then(|job| context.jobs.get(&job.name));
        let source = known.map(|known| known.directory.clone());
        let (step, own) = draft.planned(ids[number].clone(), needs, &pipeline.name, source);
        steps.push(step);
        code.push((ids[number].clone(), own));
    }
    let context = PlanContext { branch: context.branch.clone(), kind: context.kind, channel: context.channel.clone() };
    let plan = Plan { pipeline: pipeline.name.clone(), context, steps, left_out };
    Lowered { plan: Written::new(plan), code: code.into_iter().collect() }
}

fn selected<'a>(pipeline: &'a Pipeline, selection: &'a Selection) -> BTreeSet<&'a str> {
    if selection.jobs.is_empty() {
        return pipeline.jobs.iter().map(|job| job.name.as_str()).collect();
    }
    let named: BTreeSet<&str> = selection.jobs.iter().map(String::as_str).collect();
    if selection.downstream { with_downstream(pipeline, named) } else { named }
}

fn with_downstream<'a>(pipeline: &'a Pipeline, names: BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut followers: HashMap<&str, Vec<&str>> = HashMap::new();
    for job in &pipeline.jobs {
        let downstream = job.downstream.iter().map(|mention| mention.name.as_str());
        followers.entry(&job.name).or_default().extend(downstream);
        if let Some(application) = &job.deploys {
            followers.entry(&application.name).or_default().push(&job.name);
        }
    }
    let mut queue: Vec<&str> = names.iter().copied().collect();
    let mut all = names;
    while let Some(name) = queue.pop() {
        let followers = followers.get(name).into_iter().flatten();
        queue.extend(followers.copied().filter(|follower| all.insert(follower)));
    }
    all
}

/// Jobs downstream of an upload that the selection leaves out, in the pipeline's order. A deployment gates nothing: a run
/// without it is complete.
fn left_out(pipeline: &Pipeline, selected: &BTreeSet<&str>, drafts: &[Draft<'_>]) -> Vec<String> {
    let uploading = drafts.iter().filter(|draft| draft.runs() && draft.is_effect() && !draft.deploys());
    let uploading = uploading.filter_map(|draft| Some(draft.job?.name.as_str())).collect();
    let all = with_downstream(pipeline, uploading);
    let names = pipeline.jobs.iter().filter(|job| job.is_built()).map(|job| &job.name);
    names.filter(|name| all.contains(name.as_str()) && !selected.contains(name.as_str())).cloned().collect()
}

/// A job's steps: declared ones, each on its Pythons, and those that are implied by what they read.
fn drafts<'a>(job: &'a Job, context: &Context) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::with_capacity(job.steps.len());
    for namesakes in namesakes(job) {
        match namesakes.iter().rfind(|declaration| declaration.kinds.contains(context.kind)) {
            Some(declaration) => on_pythons(job, declaration, context, &mut drafts),
            None => drafts.extend(not_now(job, &namesakes, context)),
        }
    }
    if drafts.iter().all(|draft| draft.inputs.artifacts.is_empty()) {
        return drafts;
    }
    let running: Vec<AnyStep> = drafts.iter().filter(|draft| draft.runs()).map(|draft| draft.step.clone()).collect();
    let mut next = 0;
    while next < drafts.len() {
        let wanted: Vec<String> = if drafts[next].runs() { drafts[next].inputs.artifacts.clone() } else { Vec::new() };
        let (label, by) = (drafts[next].label.clone(), drafts[next].step.kind());
        next += 1;
        for kind in wanted {
            // only a label that is one of the job's Pythons is one: a command's is its name
            let python = label.as_deref().filter(|label| job.pythons.iter().any(|python| python == label));
            let known = context.jobs.get(&job.name);
            let Some(step) = known.and_then(|known| implied(&kind, job, known, &running, python)) else { continue };
            // a resolution for another Python is another one
            let manner = manner(job, &step, context.kind);
            let draft = Draft::new(Some(job), step, manner, format!("needed by `{by}`"));
            let is_there = |other: &Draft<'_>| other.runs() && other.step.kind() == kind && other.label == draft.label;
            if !drafts.iter().any(is_there) {
                drafts.push(draft);
            }
        }
    }
    drafts
}

/// The declarations of each step, in the order of the first ones.
fn namesakes(job: &Job) -> Vec<Vec<&Declaration>> {
    let names: Vec<String> = job.steps.iter().map(Declaration::name).collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<Vec<&Declaration>> = Vec::new();
    for (declaration, name) in job.steps.iter().zip(&names) {
        let place = *places.entry(name).or_insert(all.len());
        match all.get_mut(place) {
            Some(earlier) => earlier.push(declaration),
            None => all.push(vec![declaration]),
        }
    }
    all
}

fn on_pythons<'a>(job: &'a Job, declaration: &Declaration, context: &Context, drafts: &mut Vec<Draft<'a>>) {
    let (reason, manner) = (reason(declaration), declaration.manner.within(&job.manner));
    let before = drafts.len();
    for python in &job.pythons {
        let Some(step) = declaration.step.on_python(python) else { continue };
        let is_it = |found: &str| {
            found.strip_prefix(python.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let draft = Draft::new(Some(job), step, manner.clone(), reason.clone());
        let found = context.pythons.iter().any(|found| is_it(&found.version));
        drafts.push(if found || requires_all(job, context.kind) {
            draft
        } else {
            draft.skipped(format!("{UNKNOWN}: there is no Python {python} on this machine"))
        });
    }
    if drafts.len() == before {
        drafts.push(Draft::new(Some(job), declaration.step.clone(), manner, reason));
    }
}

/// Whether what is unknown fails: a figure that must be known is the union over the whole matrix.
fn requires_all(job: &Job, kind: BuildKind) -> bool {
    let ratchet = job.steps.iter().filter(|declaration| declaration.step.kind() == RATCHET);
    let ratchet = ratchet.rev().find(|declaration| declaration.kinds.contains(kind));
    ratchet.is_some_and(|ratchet| ratchet.step.options().get("required") == Some(&true.into()))
}

fn reason(declaration: &Declaration) -> String {
    let builds = match declaration.kinds {
        Kinds::ALL => "on every build".to_owned(),
        kinds => format!("on {kinds} builds"),
    };
    match &declaration.condition {
        Some(condition) => format!("{builds}, by {condition}"),
        None => builds,
    }
}

fn not_now<'a>(job: &'a Job, namesakes: &[&Declaration], context: &Context) -> Option<Draft<'a>> {
    let kinds = namesakes.iter().fold(Kinds::NONE, |kinds, declaration| kinds.or(declaration.kinds));
    let declaration = namesakes.last()?;
    let reason = match kinds {
        Kinds::NONE => "on no build".to_owned(),
        kinds => format!("not on {} builds, only on {kinds} ones", context.kind),
    };
    let manner = Manner::default().within(&job.manner);
    Some(Draft::new(Some(job), declaration.step.clone(), manner, String::new()).skipped(reason))
}

/// The one promotion: of what was uploaded or published, and of what the ratchets measured.
fn promotion<'a>(drafts: &[Draft<'_>], context: &Context, left_out: &[String]) -> Option<Draft<'a>> {
    let running = |kind: &str| drafts.iter().any(|draft| draft.runs() && draft.step.kind() == kind);
    let recording =
        drafts.iter().any(|draft| draft.runs() && draft.step.is_ratchet()) && Kinds::SHARED.contains(context.kind);
    if !running("upload") && !running("publish") && !recording {
        return None;
    }
    let reason = "when every step has passed".to_owned();
    let draft = Draft::new(None, Arc::new(Promote::new()), Manner::default(), reason);
    Some(if let Some(who) = trust::distrust(context) {
        draft.skipped(format!("the set stays staged: {who}"))
    } else if left_out.is_empty() {
        draft
    } else {
        let jobs = words::list(&left_out.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
        let are = if left_out.len() == 1 { "is" } else { "are" };
        draft.skipped(format!("the set stays staged, as {jobs} downstream {are} left out"))
    })
}

/// Tells deployments what the packages of their applications are called.
fn name_packages(drafts: &mut [Draft<'_>], pipeline: &Pipeline, kind: BuildKind) {
    for draft in drafts {
        let Some(application) = draft.job.and_then(|job| job.deploys.as_ref()) else { continue };
        let mut jobs = pipeline.jobs.iter().filter(|job| job.name == application.name);
        let declared = jobs.find_map(|job| {
            let any = job.steps.iter().rfind(|declaration| declaration.step.kind() == Deb::KIND);
            Deb::of(&job.declared(Deb::KIND, kind).or(any)?.step)
        });
        if let (Some(deb), Some(switch)) = (declared, Switch::of(&draft.step)) {
            draft.replace(Arc::new(switch.with_package(deb.package_name(&application.name))));
        }
    }
}

/// Deployments follow the promotion, or nothing: without it, the channel holds what it held before.
fn hold_deployments(drafts: &mut [Draft<'_>], promotion: &Draft<'_>) {
    for draft in drafts.iter_mut().filter(|draft| draft.deploys() && draft.runs()) {
        if promotion.runs() {
            draft.reason = format!("{}, after the promotion", draft.reason);
        } else {
            draft.skip(format!("as nothing is promoted: {}", promotion.reason));
        }
    }
}

/// Says of deployments to protected environments what they wait for.
fn mark_protected(drafts: &mut [Draft<'_>]) {
    let waits = |draft: &&mut Draft<'_>| draft.runs() && Switch::of(&draft.step).is_some_and(Switch::is_protected);
    for draft in drafts.iter_mut().filter(waits) {
        draft.reason += ", when somebody has approved these bytes";
    }
}

/// How an implied step is run: what a declaration of its kind says, and its job.
fn manner(job: &Job, step: &AnyStep, kind: BuildKind) -> Manner {
    let own = step.label();
    let is_it = |declaration: &&Declaration| {
        declaration.kinds.contains(kind)
            && declaration.step.kind() == step.kind()
            && declaration.step.label().is_none_or(|label| Some(label) == own)
    };
    let declared = job.steps.iter().rev().find(is_it).map(|declaration| declaration.manner.clone());
    declared.unwrap_or_default().within(&job.manner)
}
