//! What a journal gives back after deaths, cuts and damage.

use super::*;

/// A journal of a run that was killed: units of three batches, the last two uncommitted.
fn killed(out: &Path) -> Vec<Vec<FinishedUnit>> {
    let mut store = open(out);
    let all = units(store.contents(), 0..10);
    let batches: Vec<_> = [&all[..3], &all[3..5], &all[5..8]].map(<[_]>::to_vec).into();
    store.finished(batches[0].clone()).unwrap();
    store.commit().unwrap();
    store.assigned(1, &batches[1].iter().map(|unit| unit.unit).collect::<Vec<_>>()).unwrap();
    store.finished(batches[1].clone()).unwrap();
    store.finished(batches[2].clone()).unwrap();
    store.assigned(1, &[all[8].unit]).unwrap();
    store.in_flight_forgotten();
    batches
}

#[test]
fn a_journal_cut_at_any_byte_gives_all_whole_entries() {
    let (_folder, out) = folder();
    let batches = killed(&out);
    let path = beside(&out, ".journal");
    let (whole, file) = (std::fs::read(&path).unwrap(), std::fs::read(&out).unwrap());
    // The same file from an uninterrupted run.
    let (_other, reference) = folder_with(&units(&example::contents(), 0..10));
    let mut seen = Vec::new();
    for cut in 0..=whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let replay = journal::Replay::of(&out).unwrap();
        let recovered = replay.finished.len();
        let expected: Vec<FinishedUnit> =
            [&batches[1][..], &batches[2]].concat().into_iter().take(recovered).collect();
        assert_eq!(replay.finished, expected, "cut at {cut}");
        assert!([0, 2, 5].contains(&recovered), "whole batches only: {recovered} at {cut}");
        if let Some(warning) = &replay.warning {
            assert!(warning.contains("byte") || cut < 20, "{warning}");
        }
        if seen.last() != Some(&recovered) {
            seen.push(recovered);
        }
        // A few of them all the way to the finished file.
        if cut % 97 == 0 || cut == whole.len() {
            std::fs::write(&out, &file).unwrap();
            let mut store = open(&out);
            assert_eq!(store.contents().records.len(), 3 + recovered);
            assert!(read(&out).unwrap().records.len() == 3 + recovered, "committed at once");
            let rest = units(store.contents(), 0..10);
            store.finished(rest).unwrap();
            store.close("complete").unwrap();
            assert_eq!(digest::first_difference(&out, &reference).unwrap(), None);
        }
    }
    assert_eq!(seen, [0, 2, 5], "every batch was recovered by some cut");
}

#[test]
fn a_damaged_journal_entry_hides_what_follows_and_says_so() {
    let (_folder, out) = folder();
    let batches = killed(&out);
    let path = beside(&out, ".journal");
    let whole = std::fs::read(&path).unwrap();
    for at in 20..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let replay = journal::Replay::of(&out).unwrap();
        let warning = replay.warning.unwrap();
        assert!(warning.contains("byte") && warning.contains("dropped"), "{warning}");
        let all = [&batches[1][..], &batches[2]].concat();
        assert!(all.starts_with(&replay.finished), "flip at {at}");
    }
    // Zeros, as a power loss may leave them, are no entries.
    let mut bytes = whole.clone();
    bytes.extend([0; 64]);
    std::fs::write(&path, &bytes).unwrap();
    let replay = journal::Replay::of(&out).unwrap();
    assert_eq!(replay.finished.len(), 5);
    assert!(replay.warning.unwrap().contains(&format!("byte {}", whole.len())));
    std::fs::write(&path, b"something else entirely").unwrap();
    assert_eq!(journal::Replay::of(&out).unwrap_err().exit().code(), 65);
}

#[test]
fn three_deaths_without_progress_quarantine_a_unit() {
    let (folder, out) = folder();
    let bad = UnitId { cell: 1, sample: 2 };
    let good = UnitId { cell: 0, sample: 1 };
    for death in 1..=3 {
        let mut store = open(&out);
        assert!(store.quarantined().is_empty());
        store.assigned(1, &[bad]).unwrap();
        store.assigned(2, &[good]).unwrap();
        // `good` saves its state in time, and a commit in between forgets nothing.
        store.save_snapshot(good, b"state").unwrap();
        store.commit().unwrap();
        store.in_flight_forgotten();
        assert_eq!(open_in_flight(&out), [(good, 1), (bad, death)]);
    }
    let status = status::status(&out).unwrap();
    assert_eq!((status.quarantined.len(), status.state), (1, status::State::Incomplete));
    let mut store = open(&out);
    assert_eq!(store.quarantined(), [bad]);
    assert_eq!(store.load_snapshot(good).unwrap(), b"state");
    let rest = units(store.contents(), 0..10).into_iter().filter(|unit| unit.unit != bad).collect();
    store.finished(rest).unwrap();
    store.drop_snapshot(good);
    store.close("quarantined").unwrap();
    let status = status::status(&out).unwrap();
    assert_eq!(status.state, status::State::Quarantined);
    assert_eq!(status.quarantined[0].sample, 2);
    assert_eq!(names(folder.path()), ["out.h5", "out.h5.journal"], "deaths are remembered");
    let mut store = open(&out);
    assert_eq!(store.quarantined(), [bad]);
    store.forgive().unwrap();
    assert!(store.quarantined().is_empty());
    let rest = units(store.contents(), 0..10);
    store.finished(rest).unwrap();
    store.close("complete").unwrap();
    assert_eq!(names(folder.path()), ["out.h5"]);
    assert_eq!(read(&out).unwrap().segments.len(), 5, "three died, two ended");
}

/// What the next run would learn, without counting as a run.
fn open_in_flight(out: &Path) -> Vec<(UnitId, u32)> {
    let replay = journal::Replay::of(out).unwrap();
    let deaths = replay.deaths_now();
    replay.in_flight.keys().map(|unit| (*unit, deaths[unit])).collect()
}

#[test]
fn a_clean_stop_and_an_error_are_no_deaths() {
    let (_folder, out) = folder();
    let unit = UnitId { cell: 0, sample: 0 };
    let mut store = open(&out);
    store.assigned(0, &[unit]).unwrap();
    store.close("signal").unwrap();
    let mut store = open(&out);
    assert!(store.in_flight().is_empty());
    store.assigned(0, &[unit]).unwrap();
    drop(store);
    assert!(open(&out).in_flight().is_empty());
    assert_eq!(read(&out).unwrap().segments.len(), 2);
}
