//! The thread that writes the log's lines.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that wait to be written. What is logged beyond them is counted, and lost.
const MOST_WAITING: usize = 4096;

/// How often to try again to hand over the request to finish, if too many lines wait.
const RETRY: Duration = Duration::from_millis(10);

static LOST: AtomicU64 = AtomicU64::new(0);

enum Message {
    Line(Vec<u8>),
    /// Answered when all before it is written.
    Finish(SyncSender<()>),
}

/// Takes lines, and never waits for whoever reads them.
#[derive(Clone)]
pub struct LogWriter(SyncSender<Message>);

impl LogWriter {
    /// Starts the thread, which writes to `out`.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, taken) = sync_channel(MOST_WAITING);
        let thread = thread::Builder::new().name("log".into());
        thread.spawn(move || write_all(out, &taken))?;
        Ok(Self(lines))
    }

    /// Returns when all lines so far are written, or when this time has passed.
    pub fn finish(&self, within: Duration) {
        let end = Instant::now() + within;
        let (done, is_done) = sync_channel(1);
        let mut message = Message::Finish(done);
        while let Err(TrySendError::Full(back)) = self.0.try_send(message) {
            if Instant::now() >= end {
                return;
            }
            message = back;
            thread::sleep(RETRY);
        }
        let _ = is_done.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// Lines that were lost: too many waited, or they could not be written.
pub fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

fn write_all(mut out: impl Write, lines: &Receiver<Message>) {
    let mut is_torn = false;
    for message in lines {
        match message {
            Message::Line(mut line) => {
                if is_torn {
                    // The next line is not to be lost, too, with what there is of the last.
                    line.insert(0, b'\n');
                }
                let left = write(&mut out, &line);
                is_torn = match left {
                    0 => false,
                    left => is_torn || left < line.len(),
                };
                if left > 0 || out.flush().is_err() {
                    LOST.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Nobody there to hear it: the time is up.
            Message::Finish(done) => drop(done.try_send(())),
        }
    }
}

/// How much of a line could not be written.
fn write(out: &mut impl Write, line: &[u8]) -> usize {
    let mut left = line;
    while !left.is_empty() {
        match out.write(left) {
            Ok(0) => break,
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    left.len()
}

/// A line comes in one piece.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Message::Line(line.to_vec())).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::Written;

    const A_SECOND: Duration = Duration::from_secs(1);

    /// A disk with this much room, of which more becomes free as soon as it is full.
    struct Full(usize, Written);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.0);
            self.0 -= fits;
            match fits {
                0 => {
                    self.0 = 100;
                    Err(io::ErrorKind::StorageFull.into())
                }
                fits => self.1.write(&bytes[..fits]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // One test, since lost lines are counted for the whole process.
    #[test]
    fn lines_are_written_or_counted_and_nobody_waits_for_them() {
        let before = lost_lines();
        let out = Written::default();
        let mut writer = LogWriter::start(out.clone()).unwrap();
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        writer.finish(A_SECOND);
        assert_eq!(*out.0.lock().unwrap(), b"one\ntwo\n");
        assert_eq!(lost_lines(), before);

        // As a pipe that nobody reads: the thread is at the first line, and the others wait.
        let stuck = out.0.lock().unwrap();
        for _ in 0..MOST_WAITING + 10 {
            writer.write_all(b"three\n").unwrap();
        }
        assert!((9..=10).contains(&(lost_lines() - before)));
        let began = Instant::now();
        writer.finish(Duration::from_millis(50));
        assert!(began.elapsed() >= Duration::from_millis(50));
        drop(stuck);

        let before = lost_lines();
        let out = Written::default();
        let mut writer = LogWriter::start(Full(6, out.clone())).unwrap();
        for line in [b"one\n", b"two\n", b"six\n"] {
            writer.write_all(line).unwrap();
        }
        writer.finish(A_SECOND);
        assert_eq!(lost_lines(), before + 1);
        assert_eq!(*out.0.lock().unwrap(), b"one\ntw\nsix\n");
    }
}
