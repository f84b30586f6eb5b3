//! The memory of a process that uses a key, searched by its parent.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{self, Read as _, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use ironroot_whitebox::{
    Tables,
    attack::{Plain, search},
};
use zeroize::Zeroizing;

use crate::{
    cli::WhiteboxHold,
    failure::{Failure, Result},
};

/// What the child does: it computes with its key, and then waits to be searched until its input ends.
///
/// # Errors
/// The tables cannot be used, or there is no key.
pub fn hold(arguments: &WhiteboxHold) -> Result {
    // What is kept to the end is what a daemon would keep.
    let file;
    let (mut tables, mut plain) = (None, None);
    if let Some(path) = &arguments.tables {
        file = fs::read(path).map_err(|error| Failure::during(path.display(), error))?;
        let checked = Tables::new(&file).map_err(|error| Failure::during(path.display(), error))?;
        let mut master = Zeroizing::new([0; 64]);
        checked.derive(b"device master", b"a device value", master.as_mut_slice());
        black_box(&*master);
        tables = Some(checked);
    } else {
        let mut key = Zeroizing::new([0; 16]);
        io::stdin().read_exact(key.as_mut_slice())?;
        let held = Plain::with_key(&key);
        black_box(held.block(&[0; 16]));
        plain = Some(held);
    }
    println!("ready");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    black_box((&tables, plain.is_some()));
    Ok(())
}

/// A process that holds tables, or a key that is given to it.
pub struct Holder(Child);

impl Holder {
    /// Starts it and waits until it has computed.
    ///
    /// # Errors
    /// It cannot be started, or ended.
    pub fn start(tables: Option<&Path>, key: Option<&[u8; 16]>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["whitebox", "hold"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(tables) = tables {
            command.arg("--tables").arg(tables);
        }
        let mut holder = Self(command.spawn()?);
        if let (Some(key), Some(input)) = (key, &mut holder.0.stdin) {
            input.write_all(key)?;
            input.flush()?;
        }
        let mut ready = [0; 6];
        match &mut holder.0.stdout {
            Some(output) => output.read_exact(&mut ready)?,
            None => return Err(Failure::new("a child without an output")),
        }
        Ok(holder)
    }

    /// How often the key or a round key stands in its memory, how many key schedules of any key do, and how many bytes were
    /// searched.
    ///
    /// # Errors
    /// The kernel does not let a parent read its child's memory.
    pub fn search(&self, key: &[u8; 16]) -> io::Result<(usize, usize, usize)> {
        let folder = format!("/proc/{}", self.0.id());
        let memory = File::open(format!("{folder}/mem"))?;
        let (mut keys, mut schedules, mut searched) = (0, 0, 0);
        for line in fs::read_to_string(format!("{folder}/maps"))?.lines() {
            let Some((start, end)) = readable(line) else { continue };
            let mut bytes = Zeroizing::new(vec![0; usize::try_from(end - start).unwrap_or_default()]);
            // Some mappings are listed and cannot be read: the kernel's own.
            if memory.read_exact_at(&mut bytes, start).is_err() {
                continue;
            }
            searched += bytes.len();
            keys += search::known(&bytes, key).len();
            schedules += search::schedules(&bytes).len();
        }
        Ok((keys, schedules, searched))
    }
}

/// The range of a line of `maps` that can be read.
fn readable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    // A guard against listings that make no sense: no mapping of this program is as large.
    (rest.starts_with('r') && end > start && end - start < 1 << 30).then_some((start, end))
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
