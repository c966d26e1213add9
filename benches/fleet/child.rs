//! A process of ours that answers each line of its standard input with one on its standard output, and ends with it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::process::Process;

/// This program again, in another role.
pub struct Servant {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Servant {
    /// Starts it with these arguments.
    pub fn start(arguments: &[String]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // Without the caller's environment, like the exporter: it could change the allocator or other settings.
        command.env_clear().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    /// Its CPU and memory.
    pub fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// Sends a line, and waits for the response.
    pub fn ask(&mut self, question: &str) -> String {
        writeln!(self.questions.as_mut().unwrap(), "{question}").unwrap();
        self.hear()
    }

    /// The next line that it writes.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        assert!(self.answers.read_line(&mut line).unwrap() > 0, "a process of the benchmark ended early");
        line.trim().to_owned()
    }
}

impl Drop for Servant {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
