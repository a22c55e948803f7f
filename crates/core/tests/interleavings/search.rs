//! The search: level by level through everything that can happen, on all cores, each distinct state once.
//!
//! In: a scene, and bugs if there are to be any. Out: how many states there are, or the acts that broke a law.

use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};
use std::hash::{Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};

use panelworks_core::planted::Planted;
use panelworks_core::testing::Stage;

use crate::acts::{Act, possible};
use crate::ending::comes_to_its_end;
use crate::onlooker::Onlooker;
use crate::scenes::{Scene, Shop};

/// From one state in so many the way to the end is tried.
const ENDINGS: u64 = 4;
/// Parts of the set of known states, each behind a lock of its own.
const PARTS: usize = 64;

/// What was found when nothing was.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) states: usize,
    /// Acts that were tried, refused ones among them.
    pub(crate) acts: usize,
    /// Acts that led to a new state.
    pub(crate) by_name: BTreeMap<&'static str, usize>,
}

/// A law that was broken, and how.
#[derive(Debug)]
pub(crate) struct Broken {
    scene: &'static str,
    what: String,
    way: Vec<Act>,
}

impl Broken {
    pub(crate) fn in_short(&self) -> String {
        let line = self.what.lines().next().unwrap_or_default();
        let line: String = line.chars().take(160).collect();
        format!("{} acts, {line}", self.way.len())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.scene, self.what)?;
        for (place, act) in self.way.iter().enumerate() {
            writeln!(f, "{:>3}. {}: {:?}", place + 1, act.name, act.command)?;
        }
        Ok(())
    }
}

/// A state, and the way that led to it.
struct Node {
    stage: Stage,
    onlooker: Onlooker,
    way: Option<Arc<Step>>,
}

struct Step {
    act: Act,
    before: Option<Arc<Step>>,
}

impl Node {
    fn way(&self, last: &Act) -> Vec<Act> {
        let mut way = vec![last.clone()];
        let mut step = self.way.as_ref();
        while let Some(one) = step {
            way.push(one.act.clone());
            step = one.before.as_ref();
        }
        way.reverse();
        way
    }
}

/// All states of one search.
struct Known([Mutex<HashSet<u64>>; PARTS]);

impl Known {
    /// True when it is new.
    fn note(&self, fingerprint: u64) -> bool {
        let place = usize::try_from(fingerprint % PARTS as u64).unwrap_or(0);
        self.0[place].lock().is_ok_and(|mut part| part.insert(fingerprint))
    }
}

/// Tries everything, to the scene's depth.
pub(crate) fn explore(scene: &Scene, planted: Planted) -> Result<Found, Broken> {
    let (stage, shop) = scene.begin(planted);
    let known = Known(std::array::from_fn(|_| Mutex::default()));
    let mut level = vec![Node { stage, onlooker: Onlooker::default(), way: None }];
    let mut found = Found::default();
    for depth in 1..=scene.depth {
        let round = Round {
            scene,
            shop: &shop,
            known: &known,
            level: &level,
            next: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            is_last: depth == scene.depth,
        };
        level = round.on_every_core(&mut found)?;
    }
    Ok(found)
}

/// One level of the search.
struct Round<'a> {
    scene: &'a Scene,
    shop: &'a Shop,
    known: &'a Known,
    level: &'a [Node],
    next: AtomicUsize,
    over: AtomicBool,
    /// What is reached now is looked at and not gone on from.
    is_last: bool,
}

impl Round<'_> {
    fn on_every_core(&self, found: &mut Found) -> Result<Vec<Node>, Broken> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let done: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| self.work())).collect();
            threads.into_iter().map(|thread| thread.join().expect("panics are caught")).collect()
        });
        let mut level = Vec::new();
        for part in done {
            let (nodes, one) = part?;
            level.extend(nodes);
            found.states += one.states;
            found.acts += one.acts;
            for (name, count) in one.by_name {
                *found.by_name.entry(name).or_default() += count;
            }
        }
        Ok(level)
    }

    fn work(&self) -> Result<(Vec<Node>, Found), Broken> {
        let (mut nodes, mut found) = (Vec::new(), Found::default());
        while let Some(node) = self.level.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            for act in possible(&node.stage, self.scene, self.shop) {
                if self.over.load(Ordering::Relaxed) {
                    return Ok((nodes, found));
                }
                found.acts += 1;
                let stepped = quietly(|| self.step(node, &act)).unwrap_or_else(Err);
                let reached = stepped.map_err(|what| {
                    self.over.store(true, Ordering::Relaxed);
                    Broken { scene: self.scene.name, what, way: node.way(&act) }
                })?;
                let Some(reached) = reached else { continue };
                found.states += 1;
                *found.by_name.entry(act.name).or_default() += 1;
                if !self.is_last {
                    nodes.push(reached);
                }
            }
        }
        Ok((nodes, found))
    }

    /// The state after an act, if nobody has been there yet. The stage panics where a law is broken.
    fn step(&self, node: &Node, act: &Act) -> Result<Option<Node>, String> {
        let mut stage = node.stage.clone();
        stage.now = stage.now.max(act.not_before.unwrap_or(stage.now));
        let outcome = stage.run(act.command.clone());
        if outcome.is_err() {
            return Ok(None);
        }
        let mut onlooker = node.onlooker.clone();
        onlooker.hears(&act.command, &node.stage, &outcome)?;
        onlooker.agrees(&stage)?;
        let fingerprint = fingerprint(&stage, &onlooker);
        if !self.known.note(fingerprint) {
            return Ok(None);
        }
        if fingerprint.is_multiple_of(ENDINGS) {
            comes_to_its_end(&stage, self.shop)?;
        }
        let way = Some(Arc::new(Step { act: act.clone(), before: node.way.clone() }));
        Ok(Some(Node { stage, onlooker, way }))
    }
}

/// Of all rows that a decision can read and that change in a scene. Two of a million states share one with a chance of
/// one in thirty million.
fn fingerprint(stage: &Stage, onlooker: &Onlooker) -> u64 {
    /// Text as it comes, into the hash.
    struct Into(DefaultHasher);

    impl fmt::Write for Into {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }

    let mut hash = Into(DefaultHasher::new());
    let written = write!(hash, "{:?}{:?}{:?}", stage.now, stage.accounts, stage.orders);
    debug_assert!(written.is_ok(), "a hash takes everything");
    onlooker.hash(&mut hash.0);
    hash.0.finish()
}

thread_local! {
    /// What panics on this thread is caught and told by whoever caught it.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A panic as its text.
fn quietly<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    QUIET.set(false);
    done.map_err(|panic| match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "a panic without words".to_owned(),
    })
}
