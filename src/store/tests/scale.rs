//! How the store scales.

use super::*;

/// `cargo test --release store::tests::scale -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: make validate"]
fn a_million_units() {
    let (_folder, out) = folder();
    let mut job = job();
    job.cells[0].samples = 1_000_000;
    job.cells[1].samples = 1;
    let mut store = open_for(&out, &job, "").unwrap();
    let all = units(store.contents(), 0..1_000_000);
    let clock = std::time::Instant::now();
    for batch in all.chunks(100) {
        store.finished(batch.to_vec()).unwrap();
    }
    let journal = clock.elapsed();
    let bytes = std::fs::metadata(beside(&out, ".journal")).unwrap().len();
    let clock = std::time::Instant::now();
    store.commit().unwrap();
    let commit = clock.elapsed();
    store.close("complete").unwrap();
    let clock = std::time::Instant::now();
    assert_eq!(read(&out).unwrap().records.len(), 1_000_001);
    let size = std::fs::metadata(&out).unwrap().len();
    println!(
        "journal {journal:?} ({bytes} bytes), commit {commit:?} ({size} bytes), read {:?}",
        clock.elapsed()
    );
}
