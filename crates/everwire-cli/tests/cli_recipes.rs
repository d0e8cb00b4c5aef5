//! `everwire rehearse` with every shipped recipe: no credentials, and no network.

mod service_support;

use std::{fs, path::Path, sync::Mutex, thread, time::Instant};

use serde_json::Value as Json;
use service_support::{everwire, root, stderr, stdout};

/// The number of simultaneous rehearsals. Each makes eight runs at a time.
const AT_A_TIME: usize = 6;

/// The results of a recipe's runs.
struct Rehearsed {
    recipe: String,
    result: Json,
    is_done: bool,
    told: String,
    seconds: f64,
}

fn rehearse(path: &Path) -> Rehearsed {
    let begun = Instant::now();
    let output = everwire(&["rehearse", "--json"])
        .arg(path)
        .output()
        .unwrap();
    let told = stderr(&output);
    Rehearsed {
        recipe: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        result: serde_json::from_str(&stdout(&output)).unwrap_or_default(),
        is_done: output.status.success(),
        told,
        seconds: begun.elapsed().as_secs_f64(),
    }
}

impl Rehearsed {
    /// A line for the recipe, and one for each failed run.
    fn lines(&self) -> String {
        let count = |key: &str| {
            self.result[key]
                .as_u64()
                .map_or("-".into(), |n| n.to_string())
        };
        let mut lines = format!(
            "{:18} {:>6} {:>6} {:>7} {:>6.1} s",
            self.recipe,
            count("passed"),
            count("failed"),
            count("not_inverted"),
            self.seconds
        );
        let names = self.result["names"].as_array().into_iter().flatten();
        let runs = names.flat_map(|name| name["runs"].as_array().into_iter().flatten());
        for run in runs.filter(|run| run["outcome"] != "passed") {
            lines.push_str(&format!("\n    {run}"));
        }
        lines
    }
}

#[test]
fn every_recipe_is_rehearsed_and_all_its_runs_pass() {
    let files = fs::read_dir(root().join("config/recipes")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 16);
    let (left, done) = (Mutex::new(paths), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(path) = left.lock().unwrap().pop() else {
                        return;
                    };
                    let rehearsed = rehearse(&path);
                    done.lock().unwrap().push(rehearsed);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|one, other| one.recipe.cmp(&other.recipe));
    println!(
        "{:18} {:>6} {:>6} {:>7}",
        "RECIPE", "PASSED", "FAILED", "SKIPPED"
    );
    for rehearsed in &done {
        println!("{}", rehearsed.lines());
    }
    let failed: Vec<_> = done
        .iter()
        .filter(|rehearsed| !rehearsed.is_done)
        .map(|rehearsed| format!("{}: {}", rehearsed.recipe, rehearsed.told))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
