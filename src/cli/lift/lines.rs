//! Lines of a stream, each with the time at which it was there.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// A line of more bytes is none: thousands of people need no more, and a stream that never ends a line must not fill
/// memory.
const LONGEST: usize = 16 << 20;

/// Lines that wait to be lifted; more wait where they come from.
const WAITING: usize = 4;

/// The same where the time that a line waits is to count: for a minute of a fast camera, ...
const WAITING_IN_TIME: usize = 4096;

/// ... but no more bytes than this, and one line.
const WAITING_BYTES: usize = 64 << 20;

/// How long the reader sleeps where too many bytes wait.
const NAP: Duration = Duration::from_millis(1);

/// A line.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Without its end; none where it is too long.
    pub(super) bytes: Option<Vec<u8>>,
    /// When it was read.
    pub(super) read: Instant,
    _waiting: Waiting,
}

/// So many of the bytes that wait, until the line is dropped.
struct Waiting(Arc<AtomicUsize>, usize);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Reads lines in a thread, so that each has the time at which it came, not that at which there was time for it.
/// `in_time`: as they come, although others still wait.
pub(super) fn lines(input: impl Read + Send + 'static, in_time: bool) -> io::Result<Receiver<io::Result<Line>>> {
    let (to, lines) = sync_channel(if in_time { WAITING_IN_TIME } else { WAITING });
    thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let waiting = Arc::new(AtomicUsize::new(0));
        for number in 1.. {
            while waiting.load(Ordering::Relaxed) > WAITING_BYTES {
                thread::sleep(NAP);
            }
            let line = match next(&mut input, LONGEST) {
                Ok(None) => return,
                Ok(Some(bytes)) => {
                    let count = bytes.as_ref().map_or(0, Vec::len);
                    waiting.fetch_add(count, Ordering::Relaxed);
                    Ok(Line { number, bytes, read: Instant::now(), _waiting: Waiting(waiting.clone(), count) })
                }
                Err(error) => Err(error),
            };
            let is_last = line.is_err();
            // Nobody reads them any more.
            if to.send(line).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(lines)
}

/// The next line, without what ends it; an inner `None` for one that is too long, which is passed over.
fn next(input: &mut impl BufRead, longest: usize) -> io::Result<Option<Option<Vec<u8>>>> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(longest as u64 + 1).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        return Ok(Some(Some(bytes)));
    }
    if read <= longest {
        return Ok(Some(Some(bytes)));
    }
    drop(bytes);
    input.skip_until(b'\n')?;
    Ok(Some(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_end_in_any_way() {
        let found = lines(&b"one\r\n\ntwo\nlast"[..], false).unwrap();
        let found: Vec<_> =
            found.iter().map(|line| line.unwrap()).map(|line| (line.number, line.bytes.clone())).collect();
        let of = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(found, [(1, of("one")), (2, of("")), (3, of("two")), (4, of("last"))]);
        assert_eq!(lines(&b""[..], true).unwrap().iter().count(), 0);
    }

    #[test]
    fn lines_are_read_ahead_as_far_as_their_bytes_allow() {
        let long = [&vec![b'x'; 8 << 20][..], b"\n"].concat().repeat(12);
        let found = lines(std::io::Cursor::new(long), true).unwrap();
        let mut held = Vec::new();
        // 64 MiB and one line more; the reader waits for the first of them to go.
        while let Ok(line) = found.recv_timeout(Duration::from_secs(2)) {
            held.push(line.unwrap());
        }
        assert_eq!(held.len(), 9);
        held.clear();
        assert_eq!(found.iter().count(), 3);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut input = &b"12345\n123456\n1234567\n12345678901234567890\nlast6\n123456"[..];
        let mut read = || next(&mut input, 6).unwrap();
        assert_eq!(read(), Some(Some(b"12345".to_vec())));
        assert_eq!(read(), Some(Some(b"123456".to_vec())));
        assert_eq!(read(), Some(None));
        assert_eq!(read(), Some(None));
        assert_eq!(read(), Some(Some(b"last6".to_vec())));
        assert_eq!(read(), Some(Some(b"123456".to_vec())));
        assert_eq!(read(), None);
    }
}
