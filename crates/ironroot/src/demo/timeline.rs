//! What happened and how long it took, for people and for programs.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// The timeline of a run.
pub struct Timeline {
    json: bool,
    started: Instant,
    step: Option<Step>,
    finished: Vec<Value>,
}

struct Step {
    number: u32,
    title: &'static str,
    started: Instant,
    notes: Vec<String>,
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl Timeline {
    /// A timeline that prints text as it goes, or JSON at the end.
    pub fn new(json: bool) -> Self {
        Self { json, started: Instant::now(), step: None, finished: Vec::new() }
    }

    /// Begins a step.
    pub fn step(&mut self, number: u32, title: &'static str) {
        if !self.json {
            println!("{number}. {title}");
        }
        self.step = Some(Step { number, title, started: Instant::now(), notes: Vec::new() });
    }

    /// Says something about the step.
    pub fn note(&mut self, text: String) {
        if !self.json {
            println!("     {text}");
        }
        if let Some(step) = &mut self.step {
            step.notes.push(text);
        }
    }

    /// Says something that took a while.
    pub fn timed(&mut self, text: &str, taken: Duration) {
        self.note(format!("{:>9.2} ms  {text}", milliseconds(taken)));
    }

    /// Ends the step.
    pub fn done(&mut self) {
        self.end(true);
    }

    fn end(&mut self, ok: bool) {
        let Some(step) = self.step.take() else { return };
        let taken = step.started.elapsed();
        if !self.json {
            let word = if ok { "done" } else { "FAILED" };
            println!("   = {word} in {:.1} ms\n", milliseconds(taken));
        }
        self.finished.push(json!({
            "step": step.number,
            "title": step.title,
            "ok": ok,
            "milliseconds": milliseconds(taken),
            "notes": step.notes,
        }));
    }

    /// Ends the run, and leaves it in the folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self, folder: &Path, failure: Option<&Failure>) -> Result {
        self.end(failure.is_none());
        let taken = milliseconds(self.started.elapsed());
        let run = json!({
            "ok": failure.is_none(),
            "error": failure.map(ToString::to_string),
            "milliseconds": taken,
            "folder": folder,
            "steps": self.finished,
        });
        if self.json {
            println!("{run:#}");
        } else if failure.is_none() {
            println!("All six in {taken:.0} ms. Look into {}.", folder.display());
        }
        let path = folder.join("timeline.json");
        std::fs::write(&path, format!("{run:#}\n")).map_err(|error| Failure::during(path.display(), error))
    }
}
