//! Threads that serve connections. One that has nothing to do waits a moment for the next connection before it ends: tpm2-tss opens a
//! connection for each command on swtpm's channel, and a new thread costs more than most commands.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits. Its stack, on which commands have worked, goes with it.
const PATIENCE: Duration = Duration::from_millis(50);

type Job = Box<dyn FnOnce() + Send>;

/// The threads.
pub(super) struct Crew {
    state: Mutex<State>,
    called: Condvar,
    patience: Duration,
}

impl Default for Crew {
    fn default() -> Self {
        Self { state: Mutex::default(), called: Condvar::new(), patience: PATIENCE }
    }
}

#[derive(Default)]
struct State {
    /// Never more than there are threads that wait.
    jobs: VecDeque<Job>,
    waiting: usize,
}

impl Crew {
    /// Does a job in a thread that waits, or in a new one.
    ///
    /// # Errors
    /// No thread can be had; the job is dropped.
    pub(super) fn take_on(self: &Arc<Self>, job: Job) -> io::Result<()> {
        let mut state = self.state();
        if state.waiting > state.jobs.len() {
            state.jobs.push_back(job);
            drop(state);
            self.called.notify_one();
            return Ok(());
        }
        drop(state);
        let crew = Arc::clone(self);
        thread::Builder::new().name("tpm client".into()).spawn(move || {
            job();
            while let Some(job) = crew.next() {
                job();
            }
        })?;
        Ok(())
    }

    /// The next job, if one comes soon.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        state.waiting = state.waiting.saturating_add(1);
        let waited = self.called.wait_timeout_while(state, self.patience, |state| state.jobs.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting = state.waiting.saturating_sub(1);
        state.jobs.pop_front()
    }

    /// Jobs run outside of the lock, so the state is whole after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::mpsc::channel;

    #[test]
    fn every_job_is_done_at_once_and_threads_are_used_again() {
        // Long enough for a busy machine.
        let crew = Arc::new(Crew { patience: Duration::from_secs(20), ..Crew::default() });
        let (done, results) = channel();
        // All at the same time: each holds its thread until all have begun.
        let barrier = Arc::new(std::sync::Barrier::new(8));
        for _ in 0..8 {
            let (done, barrier) = (done.clone(), Arc::clone(&barrier));
            crew.take_on(Box::new(move || {
                barrier.wait();
                done.send(thread::current().id()).unwrap();
            }))
            .unwrap();
        }
        let threads: HashSet<_> = results.iter().take(8).collect();
        assert_eq!(threads.len(), 8);
        // One after another, with a pause in which a thread begins to wait: by one that is there.
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(2));
            let done = done.clone();
            crew.take_on(Box::new(move || done.send(thread::current().id()).unwrap())).unwrap();
            assert!(threads.contains(&results.recv().unwrap()));
        }
    }

    #[test]
    fn a_thread_goes_when_nothing_comes() {
        let crew = Arc::new(Crew::default());
        let job = Arc::new(());
        let held = Arc::clone(&job);
        crew.take_on(Box::new(move || drop(held))).unwrap();
        // The thread holds the crew for as long as it is there.
        for _ in 0..1000 {
            if Arc::strong_count(&crew) == 1 {
                assert_eq!(Arc::strong_count(&job), 1);
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the thread is still there");
    }

    #[test]
    fn a_job_that_panics_takes_nobody_along() {
        let crew = Arc::new(Crew::default());
        crew.take_on(Box::new(|| panic!("a defect"))).unwrap();
        let (done, results) = channel();
        crew.take_on(Box::new(move || done.send(()).unwrap())).unwrap();
        results.recv_timeout(Duration::from_secs(10)).unwrap();
    }
}
