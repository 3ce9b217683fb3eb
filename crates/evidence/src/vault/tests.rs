//! Tests of the vault.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use tempfile::TempDir;

use super::*;
use crate::sample::{ID, address, frame};
use crate::{FrameRing, RecipientError, Request};

/// What a plain excerpt would show.
const PLAIN: &[u8] = b"Authorization: Bearer hunter2";

fn config(folder: &Path, keys: &[&Identity]) -> Config {
    Config {
        enabled: true,
        recipients: keys.iter().map(|key| key.to_public().to_string()).collect(),
        folder: Some(folder.to_owned()),
        ..Config::default()
    }
}

/// An excerpt with about `bytes` bytes.
fn excerpt(finding: &str, bytes: usize) -> Excerpt {
    let mut ring = FrameRing::new(&Config::default());
    let ends: (IpAddr, IpAddr) = (address(1), address(2));
    ring.push(&frame(1, PLAIN), ends);
    let mut left = bytes.saturating_sub(PLAIN.len());
    while left > 0 {
        let part = left.min(1_000);
        ring.push(&frame(2, &vec![7; part]), ends);
        left -= part;
    }
    let request = Request::new(finding, &[address(1)], None, u64::MAX).unwrap();
    ring.excerpt(&request).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn id(number: u8) -> String {
    format!("{number:016x}")
}

#[test]
fn every_recipient_reads_what_was_kept_and_nobody_else() {
    let folder = TempDir::new().unwrap();
    let (one, other, stranger) = (Identity::generate(), Identity::generate(), Identity::generate());
    let mut vault = Vault::open(&config(folder.path(), &[&one, &other])).unwrap();
    for bytes in [0, 100, 70_000, 3 << 20] {
        let excerpt = excerpt(ID, bytes);
        let path = vault.keep(&excerpt).unwrap();
        let sealed = fs::read(&path).unwrap();
        assert!(!sealed.windows(PLAIN.len()).any(|window| window == PLAIN));
        for key in [&one, &other] {
            assert!(age::decrypt(key, &sealed).unwrap() == excerpt.bytes());
        }
        assert!(age::decrypt(&stranger, &sealed).is_err());
    }
    assert_eq!(names(folder.path()).len(), 4, "nothing is left beside them");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn the_age_program_reads_what_was_kept() {
    let folder = TempDir::new().unwrap();
    if Command::new("age").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the program age is not installed, so nothing else read an excerpt");
        return;
    }
    let key = Identity::generate();
    let key_file = folder.path().join("key.txt");
    fs::write(&key_file, key.to_string().expose_secret()).unwrap();
    let kept = folder.path().join("kept");
    let mut vault = Vault::open(&config(&kept, &[&Identity::generate(), &key])).unwrap();
    for bytes in [0, 300_000] {
        let excerpt = excerpt(ID, bytes);
        let path = vault.keep(&excerpt).unwrap();
        let read = Command::new("age")
            .arg("--decrypt")
            .arg("-i")
            .args([&key_file, &path])
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        assert!(read.stdout == excerpt.bytes());
    }
}

#[test]
fn the_folder_and_its_files_are_the_owner_s_alone() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("state/evidence");
    let mut vault = Vault::open(&config(&kept, &[&Identity::generate()])).unwrap();
    let path = vault.keep(&excerpt(ID, 0)).unwrap();
    assert_eq!((mode(&kept), mode(&path)), (0o700, 0o600));
}

#[test]
fn the_parts_of_one_finding_are_numbered() {
    let folder = TempDir::new().unwrap();
    let config = config(folder.path(), &[&Identity::generate()]);
    let mut vault = Vault::open(&config).unwrap();
    for number in [0, 1] {
        let path = vault.keep(&excerpt(ID, 0)).unwrap();
        assert_eq!(path, folder.path().join(format!("{ID}-{number}.pcap.age")));
    }
    // Another start goes on, and never writes over what somebody put there.
    let mut vault = Vault::open(&config).unwrap();
    fs::write(folder.path().join(format!("{ID}-2.pcap.age")), b"theirs").unwrap();
    assert!(vault.keep(&excerpt(ID, 0)).unwrap().ends_with(format!("{ID}-3.pcap.age")));
    assert!(vault.keep(&excerpt(&id(7), 0)).unwrap().ends_with(format!("{}-0.pcap.age", id(7))));
    assert_eq!(fs::read(folder.path().join(format!("{ID}-2.pcap.age"))).unwrap(), b"theirs");
}

#[test]
fn after_the_last_number_comes_the_first_free_one() {
    let folder = TempDir::new().unwrap();
    for number in [0, u32::MAX] {
        File::create(folder.path().join(format!("{ID}-{number}.pcap.age"))).unwrap();
    }
    let mut vault = Vault::open(&config(folder.path(), &[&Identity::generate()])).unwrap();
    assert!(vault.keep(&excerpt(ID, 0)).unwrap().ends_with(format!("{ID}-1.pcap.age")));
}

#[test]
fn the_oldest_go_first_and_the_folder_stays_in_its_bound() {
    let folder = TempDir::new().unwrap();
    let config =
        Config { folder_bytes_max: 100_000, ..config(folder.path(), &[&Identity::generate()]) };
    let mut vault = Vault::open(&config).unwrap();
    for number in 0..10 {
        vault.keep(&excerpt(&id(number), 30_000)).unwrap();
        let on_disk: u64 = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(on_disk <= 100_000);
        assert_eq!(vault.counts().bytes, on_disk);
    }
    let listed: Vec<String> = vault.list().into_iter().map(|one| one.finding).collect();
    assert_eq!(listed, [id(7), id(8), id(9)]);
    let counts = vault.counts();
    assert_eq!((counts.kept, counts.removed, counts.refused, counts.failed), (10, 7, 0, 0));
}

#[test]
fn an_excerpt_larger_than_the_folder_is_refused_and_removes_nothing() {
    let folder = TempDir::new().unwrap();
    let config =
        Config { folder_bytes_max: 10_000, ..config(folder.path(), &[&Identity::generate()]) };
    let mut vault = Vault::open(&config).unwrap();
    vault.keep(&excerpt(ID, 5_000)).unwrap();
    let error = vault.keep(&excerpt(ID, 10_000)).unwrap_err();
    assert!(matches!(error, VaultError::TooLarge { bytes_max: 10_000, .. }), "{error}");
    let counts = vault.counts();
    assert_eq!((counts.kept, counts.removed, counts.refused, counts.failed), (1, 0, 1, 0));
    assert_eq!(vault.list().len(), 1);
}

#[test]
fn a_start_finds_what_is_its_own_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    let write = |name: &str, age_seconds: u64| {
        fs::write(place(name), [0; 100]).unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age_seconds);
        File::options().write(true).open(place(name)).unwrap().set_modified(modified).unwrap();
    };
    let (old, new) = (format!("{}-0.pcap.age", id(9)), format!("{}-3.pcap.age", id(1)));
    write(&new, 10);
    write(&old, 20);
    write("notes.txt", 99);
    write(&format!("{ID}-0.pcap.age.new-1"), 99);
    write("trial.new-1", 99);
    symlink(place("notes.txt"), place(&format!("{ID}-0.pcap.age"))).unwrap();
    fs::create_dir(place(&format!("{ID}-1.pcap.age"))).unwrap();

    let config = config(folder.path(), &[&Identity::generate()]);
    let vault = Vault::open(&config).unwrap();
    let listed = vault.list();
    let shown: Vec<_> = listed
        .iter()
        .map(|one| (one.finding.clone(), one.name.clone(), one.bytes, one.modified.epoch().0))
        .collect();
    assert_eq!(shown, [(id(9), old, 100, 999_980), (id(1), new.clone(), 100, 999_990)]);
    assert_eq!(names(folder.path()).len(), 5, "unfinished files are gone");

    // A smaller bound holds from the start.
    let vault = Vault::open(&Config { folder_bytes_max: 150, ..config }).unwrap();
    assert_eq!(vault.list()[0].name, new);
    assert_eq!((vault.counts().removed, vault.counts().bytes), (1, 100));
    assert!(place("notes.txt").exists());
}

#[test]
fn what_others_took_away_makes_room() {
    let folder = TempDir::new().unwrap();
    let config =
        Config { folder_bytes_max: 70_000, ..config(folder.path(), &[&Identity::generate()]) };
    let mut vault = Vault::open(&config).unwrap();
    vault.keep(&excerpt(&id(1), 30_000)).unwrap();
    let taken = vault.keep(&excerpt(&id(2), 30_000)).unwrap();
    fs::remove_file(taken).unwrap();
    assert_eq!(vault.list().len(), 1);
    vault.keep(&excerpt(&id(3), 30_000)).unwrap();
    assert_eq!((vault.list().len(), vault.counts().removed), (2, 0));
}

#[test]
fn files_are_bounded_however_small() {
    let folder = TempDir::new().unwrap();
    let mut vault = Vault::open(&config(folder.path(), &[&Identity::generate()])).unwrap();
    for number in 0..FILES_MAX {
        let finding = crate::finding_id::FindingId::parse(&format!("{number:016x}")).unwrap();
        let name = Name { finding, number: 0 };
        File::create(folder.path().join(name.to_string())).unwrap();
        vault.kept.push_back(Kept::new(&name, 0, tapline_model::Timestamp::ZERO));
    }
    vault.keep(&excerpt(ID, 0)).unwrap();
    assert_eq!((vault.kept.len(), vault.counts().removed), (FILES_MAX, 1));
}

#[test]
fn a_disk_that_fails_is_counted() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("kept");
    let mut vault = Vault::open(&config(&kept, &[&Identity::generate()])).unwrap();
    fs::remove_dir(&kept).unwrap();
    let error = vault.keep(&excerpt(ID, 0)).unwrap_err();
    assert!(matches!(error, VaultError::Write { .. }), "{error}");
    assert_eq!((vault.counts().failed, vault.counts().kept), (1, 0));
    assert_eq!((vault.counts().bytes, vault.list().len()), (0, 0));
}

#[test]
fn settings_that_could_keep_nothing_are_refused_at_once() {
    let folder = TempDir::new().unwrap();
    let good = config(folder.path(), &[&Identity::generate()]);
    let open = |config: Config| Vault::open(&config).unwrap_err();
    assert!(matches!(open(Config { folder: None, ..good.clone() }), VaultError::NoFolder));
    let none = Config { recipients: Vec::new(), ..good.clone() };
    assert!(matches!(open(none), VaultError::NoRecipient));
    let many = Config { recipients: vec![good.recipients[0].clone(); 17], ..good.clone() };
    assert!(matches!(open(many), VaultError::TooManyRecipients { count: 17 }));
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = open(Config { folder: Some(file.clone()), ..good });
    assert!(matches!(error, VaultError::Folder { .. }), "{error}");
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
}

#[test]
fn a_private_key_among_the_recipients_is_refused_and_never_repeated() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("kept");
    let key = Identity::generate();
    let secret = key.to_string().expose_secret().to_owned();
    let digits = secret.strip_prefix("AGE-SECRET-KEY-").unwrap();
    let mut config = config(&kept, &[&key]);
    config.recipients.push(secret.clone());
    let error = Vault::open(&config).unwrap_err();
    assert!(matches!(
        error,
        VaultError::Recipient { number: 2, cause: RecipientError::PrivateKey }
    ));
    let told = format!("{error} {error:?} {config:?}");
    assert!(!told.contains("AGE-SECRET-KEY") && !told.contains(digits), "{error}");
    assert!(!kept.exists(), "nothing was done with it");
}
