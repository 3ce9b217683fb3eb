//! Which core a thread runs on.
#![expect(unsafe_code, reason = "the scheduler's call has no safe form")]

use std::io;

/// Keeps the calling thread on one core from now on.
///
/// # Errors
/// When there is no such core, or the process may not use it.
pub fn pin_thread(cpu: u16) -> io::Result<()> {
    let cpu = usize::from(cpu);
    if cpu >= 8 * size_of::<libc::cpu_set_t>() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: the set is an array of bits, of which all zero is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number was seen to be within the set.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: 0 is the calling thread, and the kernel reads the set, of the size announced.
    let status =
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_thread_stays_on_its_core() {
        let allowed = || {
            let text = fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = text.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        let before = allowed();
        let first: u16 = before.split(['-', ',']).next().unwrap().parse().unwrap();
        let pinned = std::thread::spawn(move || {
            pin_thread(first).unwrap();
            allowed()
        });
        assert_eq!(pinned.join().unwrap(), first.to_string());
        assert_eq!(allowed(), before, "other threads are left alone");
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        assert!(pin_thread(1_000).is_err());
        assert!(pin_thread(u16::MAX).is_err());
    }
}
