//! How far it is: a bar with an estimate, where somebody looks.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// How often the bar is drawn.
pub const PERIOD: Duration = Duration::from_millis(250);
const WIDTH: u64 = 30;

/// Work of a known size.
pub struct Progress {
    all: u64,
    done: AtomicU64,
    since: Instant,
    shown: bool,
}

impl Progress {
    /// Of so many pieces; drawn only on a terminal.
    pub fn new(all: u64) -> Self {
        Self { all, done: AtomicU64::new(0), since: Instant::now(), shown: stderr().is_terminal() }
    }

    /// One piece more is done.
    pub fn advance(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Draws the bar.
    pub fn draw(&self) {
        if self.shown {
            // Nothing depends on whether somebody sees it.
            let _ = write!(stderr(), "\r{}\x1b[K", self.line());
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn line(&self) -> String {
        let (done, all) = (self.done.load(Ordering::Relaxed).min(self.all), self.all.max(1));
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = done as f64 / seconds.max(0.001);
        let rest = if done == 0 { "?".to_owned() } else { format!("{:.0} s", (all - done) as f64 / rate) };
        let filled = usize::try_from(done * WIDTH / all).unwrap_or(0);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH as usize - filled));
        format!("[{bar}] {done}/{all} devices  {rate:.1}/s  {rest} left")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_at_its_ends() {
        let progress = Progress::new(2);
        assert!(progress.line().starts_with(&format!("[{}] 0/2", ".".repeat(30))), "{}", progress.line());
        assert!(progress.line().ends_with("? left"));
        progress.advance();
        assert!(progress.line().starts_with(&format!("[{}{}] 1/2", "#".repeat(15), ".".repeat(15))));
        progress.advance();
        assert!(progress.line().ends_with(" 0 s left"));
    }
}
