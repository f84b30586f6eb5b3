//! Runs cases under valgrind: `taint` lists them, `taint NAME…` runs some and prints how many errors each had.
//! `cargo xtask taint` runs it and reads what valgrind says.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::process::ExitCode;

use ironroot_side_channels::{cases, memcheck};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let all = cases::all();
    if wanted.is_empty() {
        all.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    if !memcheck::is_running() {
        eprintln!("this tells nothing without valgrind: use `cargo xtask taint`");
        return ExitCode::from(2);
    }
    for name in wanted {
        let Some(case) = all.iter().find(|case| case.name == name) else {
            eprintln!("there is no case {name:?}");
            return ExitCode::from(2);
        };
        eprintln!("case {name}");
        let before = memcheck::errors();
        (case.run)();
        eprintln!("ran {name}: {} errors", memcheck::errors() - before);
    }
    ExitCode::SUCCESS
}
