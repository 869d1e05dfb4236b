//! From jobs to steps: which run in this build and why, what they need, and the promotion at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use super::{Action, Plan, PlanContext, PlannedStep, Selection, StepId, UNKNOWN, dependents::with_dependents, trust};
use crate::{
    context::{BuildKind, Context, Kinds},
    deploy::Switch,
    package::Deb,
    pipeline::{Declaration, Job, Pipeline},
    python::implied,
    run::{AnyStep, Manner, Nature, Step},
    store::Promote,
    support::words,
};

/// The kind of `.command(..)`s, which keep their order among themselves.
const COMMAND: &str = "command";

/// The kind of the step that measures all suites of a job together.
const RATCHET: &str = "coverage-ratchet";

/// A plan and the code of its steps.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The plan.
    pub plan: Arc<Plan>,
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
    let places = places(&drafts);
    let needs: Vec<Vec<usize>> = (0..drafts.len()).map(|n| needs(n, &drafts, &places, pipeline)).collect();
    let steps = in_order(&needs).into_iter().map(|n| planned(n, &drafts, &needs, pipeline, context)).collect();
    let code = drafts.into_iter().map(|draft| (draft.id(), draft.step)).collect();
    let context = PlanContext { branch: context.branch.clone(), kind: context.kind, channel: context.channel.clone() };
    Lowered { plan: Arc::new(Plan { pipeline: pipeline.name.clone(), context, steps, left_out }), code }
}

/// A step on its way into the plan; of no job if it is of the whole pipeline.
pub(super) struct Draft<'a> {
    job: Option<&'a Job>,
    pub(super) step: AnyStep,
    action: Action,
    reason: String,
}

impl Draft<'_> {
    fn id(&self) -> StepId {
        let name = match self.step.label() {
            Some(label) => format!("{}:{label}", self.step.kind()),
            None => self.step.kind().to_owned(),
        };
        match self.job {
            Some(job) => format!("{}/{name}", job.name),
            None => name,
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.action == Action::Run
    }

    /// Leaves it out of the build, for a reason.
    pub(super) fn skip(&mut self, reason: String) {
        (self.action, self.reason) = (Action::Skip, reason);
    }

    pub(super) fn is_effect(&self) -> bool {
        self.step.nature() != Nature::Pure
    }

    /// Whether it is part of a deployment, which the promotion does not wait for.
    fn deploys(&self) -> bool {
        self.job.is_some_and(|job| !job.is_built())
    }

    fn is_of(&self, job: &Job) -> bool {
        self.job.is_some_and(|own| own.name == job.name)
    }
}

fn selected<'a>(pipeline: &'a Pipeline, selection: &'a Selection) -> BTreeSet<&'a str> {
    if selection.jobs.is_empty() {
        return pipeline.jobs.iter().map(|job| job.name.as_str()).collect();
    }
    let named: BTreeSet<&str> = selection.jobs.iter().map(String::as_str).collect();
    if selection.downstream { with_downstream(pipeline, named) } else { named }
}

fn with_downstream<'a>(pipeline: &'a Pipeline, names: BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut queue: Vec<&str> = names.iter().copied().collect();
    let mut all = names;
    while let Some(name) = queue.pop() {
        for job in pipeline.jobs.iter().filter(|job| job.name == name) {
            for mention in &job.downstream {
                if all.insert(&mention.name) {
                    queue.push(&mention.name);
                }
            }
        }
        let deploys = |job: &&Job| job.deploys.as_ref().is_some_and(|application| application.name == name);
        all.extend(pipeline.jobs.iter().filter(deploys).map(|job| job.name.as_str()));
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
    let mut names: Vec<String> = Vec::new();
    for name in job.steps.iter().map(Declaration::name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    for name in names {
        match job.declared(&name, context.kind) {
            Some(declaration) => drafts.extend(on_pythons(job, declaration, context)),
            None => drafts.extend(not_now(job, &name, context)),
        }
    }
    let running: Vec<AnyStep> = drafts.iter().filter(|draft| draft.runs()).map(|draft| draft.step.clone()).collect();
    let mut next = 0;
    while next < drafts.len() {
        let wanted: Vec<String> = if drafts[next].runs() { drafts[next].step.inputs().artifacts } else { Vec::new() };
        let (label, by) = (drafts[next].step.label(), drafts[next].step.kind());
        next += 1;
        for kind in wanted {
            // only a label that is one of the job's Pythons is one: a command's is its name
            let python = label.as_deref().filter(|label| job.pythons.iter().any(|python| python == label));
            let known = context.jobs.get(&job.name);
            let Some(step) = known.and_then(|known| implied(&kind, job, known, &running, python)) else { continue };
            // a resolution for another Python is another one
            let is_there =
                |draft: &Draft<'_>| draft.runs() && draft.step.kind() == kind && draft.step.label() == step.label();
            if !drafts.iter().any(is_there) {
                let reason = format!("needed by `{by}`");
                drafts.push(Draft { job: Some(job), step, action: Action::Run, reason });
            }
        }
    }
    drafts
}

/// Whether a step with a label, or without one, may read what `producer` leaves.
fn fits(producer: &AnyStep, label: Option<&str>) -> bool {
    match (producer.label(), label) {
        (None, _) | (Some(_), None) => true,
        (Some(own), Some(label)) => own == label,
    }
}

fn on_pythons<'a>(job: &'a Job, declaration: &Declaration, context: &Context) -> Vec<Draft<'a>> {
    let reason = reason(declaration);
    let matrix: Vec<(String, AnyStep)> =
        job.pythons.iter().filter_map(|python| Some((python.clone(), declaration.step.on_python(python)?))).collect();
    if matrix.is_empty() {
        return vec![Draft { job: Some(job), step: declaration.step.clone(), action: Action::Run, reason }];
    }
    let found = |python: &str| {
        context.pythons.iter().any(|found| found.version == python || found.version.starts_with(&format!("{python}.")))
    };
    let required = requires_all(job, context.kind);
    let draft = |(python, step): (String, AnyStep)| {
        if required || found(&python) {
            Draft { job: Some(job), step, action: Action::Run, reason: reason.clone() }
        } else {
            let reason = format!("{UNKNOWN}: there is no Python {python} on this machine");
            Draft { job: Some(job), step, action: Action::Skip, reason }
        }
    };
    matrix.into_iter().map(draft).collect()
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

fn not_now<'a>(job: &'a Job, name: &str, context: &Context) -> Option<Draft<'a>> {
    let mut declarations = job.steps.iter().filter(|declaration| declaration.is_called(name));
    let kinds = declarations.clone().fold(Kinds::NONE, |kinds, declaration| kinds.or(declaration.kinds));
    let step = declarations.next_back()?.step.clone();
    let reason = match kinds {
        Kinds::NONE => "on no build".to_owned(),
        kinds => format!("not on {} builds, only on {kinds} ones", context.kind),
    };
    Some(Draft { job: Some(job), step, action: Action::Skip, reason })
}

/// The one promotion: of what was uploaded or published, and of what the ratchets measured.
fn promotion<'a>(drafts: &[Draft<'_>], context: &Context, left_out: &[String]) -> Option<Draft<'a>> {
    let running = |kind: &str| drafts.iter().any(|draft| draft.runs() && draft.step.kind() == kind);
    let recording =
        drafts.iter().any(|draft| draft.runs() && draft.step.is_ratchet()) && Kinds::SHARED.contains(context.kind);
    if !running("upload") && !running("publish") && !recording {
        return None;
    }
    let (action, reason) = if let Some(who) = trust::distrust(context) {
        (Action::Skip, format!("the set stays staged: {who}"))
    } else if left_out.is_empty() {
        (Action::Run, "when every step has passed".to_owned())
    } else {
        let jobs = words::list(&left_out.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
        let are = if left_out.len() == 1 { "is" } else { "are" };
        (Action::Skip, format!("the set stays staged, as {jobs} downstream {are} left out"))
    };
    Some(Draft { job: None, step: Arc::new(Promote::new()), action, reason })
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
            draft.step = Arc::new(switch.with_package(deb.package_name(&application.name)));
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

/// Where the steps of each job stand among all.
type Places<'a> = HashMap<&'a str, Range<usize>>;

fn places<'a>(drafts: &[Draft<'a>]) -> Places<'a> {
    let mut places: Places<'a> = HashMap::new();
    for (number, draft) in drafts.iter().enumerate() {
        if let Some(job) = draft.job {
            places.entry(&job.name).or_insert(number..number).end = number + 1;
        }
    }
    places
}

/// What a step needs, as numbers of drafts.
fn needs(number: usize, drafts: &[Draft<'_>], places: &Places<'_>, pipeline: &Pipeline) -> Vec<usize> {
    let draft = &drafts[number];
    let all = |wanted: &dyn Fn(&Draft<'_>) -> bool| -> Vec<usize> {
        (0..drafts.len()).filter(|n| *n != number && drafts[*n].runs() && wanted(&drafts[*n])).collect()
    };
    let Some(job) = draft.job else { return all(&|other| !other.deploys()) };
    if draft.deploys() {
        let earlier = |other: &Draft<'_>| other.job.is_none() || other.is_of(job);
        return all(&earlier).into_iter().filter(|n| drafts[*n].job.is_none() || *n < number).collect();
    }
    // the steps of a job stand together: of ten thousand only these are looked at
    let among = |name: &str, wanted: &dyn Fn(&Draft<'_>) -> bool| -> Vec<usize> {
        let place = places.get(name).cloned().unwrap_or_default();
        place.filter(|n| *n != number && drafts[*n].runs() && wanted(&drafts[*n])).collect()
    };
    let own = |wanted: &dyn Fn(&Draft<'_>) -> bool| among(&job.name, wanted);
    let inputs = draft.step.inputs();
    let label = draft.step.label();
    let mut needs: BTreeSet<usize> = BTreeSet::new();
    for kind in &inputs.artifacts {
        let producers = own(&|other| other.step.kind() == kind && fits(&other.step, label.as_deref()));
        let same: Vec<usize> = producers.iter().copied().filter(|n| drafts[*n].step.label() == label).collect();
        needs.extend(if same.is_empty() { producers } else { same });
    }
    needs.extend(own(&|other| inputs.after.iter().any(|kind| kind == other.step.kind())));
    if draft.is_effect() {
        needs.extend(own(&|other| !other.is_effect()));
    }
    if inputs.index {
        let is_upstream = |other: &&Job| other.downstream.iter().any(|mention| mention.name == job.name);
        for upstream in pipeline.jobs.iter().filter(is_upstream) {
            needs.extend(among(&upstream.name, &|other| other.is_effect()));
        }
    }
    if draft.step.kind() == COMMAND {
        needs.extend(own(&|other| other.step.kind() == COMMAND).into_iter().rfind(|n| *n < number));
    }
    needs.into_iter().collect()
}

/// An order in which every step stands after those it needs, otherwise as declared. A cycle, which is a mistake that the
/// pipeline's diagnostics report, is cut where it closes.
fn in_order(needs: &[Vec<usize>]) -> Vec<usize> {
    fn visit(node: usize, needs: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[node], true) {
            return;
        }
        for need in &needs[node] {
            visit(*need, needs, seen, order);
        }
        order.push(node);
    }
    let (mut seen, mut order) = (vec![false; needs.len()], Vec::new());
    for node in 0..needs.len() {
        visit(node, needs, &mut seen, &mut order);
    }
    order
}

/// How a step is run: what its declaration says, also on each Python, and its job.
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

fn planned(
    number: usize,
    drafts: &[Draft<'_>],
    needs: &[Vec<usize>],
    pipeline: &Pipeline,
    context: &Context,
) -> PlannedStep {
    let draft = &drafts[number];
    let step = &draft.step;
    let job = draft.job.map(|job| &job.name);
    PlannedStep {
        id: draft.id(),
        job: job.unwrap_or(&pipeline.name).clone(),
        kind: step.kind().to_owned(),
        version: step.version(),
        options: step.options(),
        effect: match step.nature() {
            Nature::Pure => None,
            Nature::Effect(class) => Some(class),
        },
        action: draft.action,
        reason: draft.reason.clone(),
        needs: needs[number].iter().map(|need| drafts[*need].id()).collect(),
        inputs: step.inputs(),
        outputs: step.outputs(),
        source: job.and_then(|job| context.jobs.get(job)).map(|known| known.directory.clone()),
        timeout: step.timeout(),
        manner: draft.job.map(|job| manner(job, step, context.kind)).unwrap_or_default(),
    }
}
