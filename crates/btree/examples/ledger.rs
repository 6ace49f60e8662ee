//! A small ledger on a tree used alone: accounts, transfers that are whole or not at all, readers beside the writer, and
//! the count of a range that costs no walk.
//!
//! `cargo run -p drystone-btree --example ledger [FOLDER]`; without a folder, files in memory.

use std::error::Error;
use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions, BTreeSnapshot, WriteTransaction};
use drystone_engine::{Engine, Snapshot};

const ACCOUNTS: KeyspaceId = KeyspaceId(1);
const TRANSFERS: KeyspaceId = KeyspaceId(2);

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(folder) => keep_ledger(&Env::os(), &PathBuf::from(folder)),
        None => keep_ledger(&Env::memory(7), Path::new("ledger")),
    }
}

/// Opens the tree in a folder and works with it.
pub(crate) fn keep_ledger(env: &Env, folder: &Path) -> Result<(), Box<dyn Error>> {
    let tree = BTree::open(env, folder, BTreeOptions::default())?;

    // Sorted input goes straight into full pages.
    let accounts = (0..10_000u32).map(|number| (key(number), 100u64.to_le_bytes()));
    tree.load_sorted(ACCOUNTS, accounts)?;
    let before = tree.newest();

    let mut tx = tree.begin_write();
    for number in 0..500 {
        transfer(
            &mut tx,
            number,
            (number * 7) % 10_000,
            (number * 13 + 1) % 10_000,
            30,
        )?;
    }
    tx.commit()?;

    // A transfer that cannot be is rolled back with all that came before it.
    let mut tx = tree.begin_write();
    transfer(&mut tx, 500, 1, 2, 10)?;
    match transfer(&mut tx, 501, 1, 2, 1_000_000) {
        Ok(()) => tx.commit().map(drop)?,
        Err(refused) => {
            println!("rolled back: {refused}");
            tx.rollback();
        }
    }

    // The reader that began before sees none of it.
    let now = tree.newest();
    println!(
        "transfers before: {}, now: {}",
        before.count(TRANSFERS)?,
        now.count(TRANSFERS)?
    );
    let some = now.count_within(ACCOUNTS, &key(1_000)[..]..&key(2_000)[..])?;
    println!("accounts 1000 to 1999: {some}");
    for (account, below) in now.equal_parts(ACCOUNTS, 4)? {
        println!("{below} accounts lie below {account:?}");
    }
    println!("money: {} before, {} now", total(&before)?, total(&now)?);

    let report = tree.verify()?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    println!("{} pages checked, {} entries", report.pages, report.entries);
    Ok(())
}

fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn transfer(
    tx: &mut WriteTransaction<'_>,
    number: u32,
    from: u32,
    to: u32,
    amount: u64,
) -> Result<(), Box<dyn Error>> {
    let (payer, payee) = (balance(tx, from)?, balance(tx, to)?);
    let left = payer.checked_sub(amount);
    let left = left.ok_or_else(|| format!("account {from} has {payer}, not {amount}"))?;
    if from != to {
        tx.put(ACCOUNTS, key(from).to_vec(), left.to_le_bytes().to_vec())?;
        tx.put(
            ACCOUNTS,
            key(to).to_vec(),
            (payee + amount).to_le_bytes().to_vec(),
        )?;
    }
    tx.put(
        TRANSFERS,
        key(number).to_vec(),
        format!("{amount} from {from} to {to}"),
    )?;
    Ok(())
}

/// As the transaction left it so far.
fn balance(tx: &WriteTransaction<'_>, account: u32) -> Result<u64, Box<dyn Error>> {
    let bytes = tx.get(ACCOUNTS, &key(account))?.ok_or("no such account")?;
    Ok(u64::from_le_bytes(bytes[..].try_into()?))
}

fn total(snapshot: &BTreeSnapshot) -> Result<u64, Box<dyn Error>> {
    let mut total = 0;
    for entry in snapshot.range(ACCOUNTS, ..) {
        let (_, balance) = entry?;
        total += u64::from_le_bytes(balance[..].try_into()?);
    }
    Ok(total)
}
