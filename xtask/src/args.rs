//! Options of the tasks: `--flag`, `--name value` or `--name=value`, and words.

use crate::run::Result;

/// The words after the task's name. Each `take_*` removes what it found; [`Args::finish`] refuses what is left.
pub struct Args(Vec<String>);

impl Args {
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// Whether `--name` is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// The value of `--name value` or `--name=value`.
    pub fn value(&mut self, name: &str) -> Result<Option<String>> {
        let prefix = format!("{name}=");
        if let Some(at) = self.0.iter().position(|word| word.starts_with(&prefix)) {
            return Ok(self.0.remove(at).strip_prefix(&prefix).map(str::to_owned));
        }
        let Some(at) = self.0.iter().position(|word| word == name) else { return Ok(None) };
        self.0.remove(at);
        if at < self.0.len() { Ok(Some(self.0.remove(at))) } else { Err(format!("{name} wants a value")) }
    }

    /// The value of `--name`, parsed.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T) -> Result<T> {
        match self.value(name)? {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("{name}: {text:?} is not a value that it takes")),
        }
    }

    /// The next word that is not an option.
    pub fn word(&mut self) -> Option<String> {
        let at = self.0.iter().position(|word| !word.starts_with("--"))?;
        Some(self.0.remove(at))
    }

    /// Everything that is left.
    pub fn rest(self) -> Vec<String> {
        self.0
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result {
        match self.0.as_slice() {
            [] => Ok(()),
            left => Err(format!("not understood: {}; see `cargo xtask help`", left.join(" "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        Args::new(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn both_spellings_of_a_value() {
        assert_eq!(args(&["--seconds", "7"]).parsed("--seconds", 1), Ok(7));
        assert_eq!(args(&["--seconds=7"]).parsed("--seconds", 1), Ok(7));
        assert_eq!(args(&[]).parsed("--seconds", 1), Ok(1));
        assert!(args(&["--seconds", "x"]).parsed("--seconds", 1).is_err());
        assert!(args(&["--seconds"]).parsed("--seconds", 1).is_err());
    }

    #[test]
    fn what_nobody_took_is_refused() {
        let mut left = args(&["--quick", "--slow"]);
        assert!(left.flag("--quick"));
        assert!(!left.flag("--quick"));
        assert!(left.finish().is_err());
    }
}
