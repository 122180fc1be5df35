//! Tests of the unpickler: what Python 2 and 3 and NumPy 1 and 2 wrote, and what nobody should.

use super::super::fixture_tests::{bytes, expected, path, same};
use super::*;

const MIB: usize = 1 << 20;

const FILES: &[&str] = &[
    "numpy1_protocol2",
    "numpy1_protocol3",
    "numpy1_protocol4",
    "numpy1_protocol5",
    "numpy2_protocol2",
    "numpy2_protocol3",
    "numpy2_protocol4",
    "numpy2_protocol5",
    "python2_protocol0",
    "python2_protocol1",
    "python2_protocol2",
    "python2_c_protocol0",
    "python2_c_protocol1",
    "python2_c_protocol2",
];

/// A pickle that is refused, with what the message must say.
fn refused(pickle: &[u8], says: &str) {
    let error = read(pickle, MIB).expect_err(says);
    assert!(error.contains(says), "'{error}' does not say '{says}'");
}

#[test]
fn pickles_of_all_writers_hold_the_same() {
    let expected = expected("pickle");
    for name in FILES {
        let value = load(&path(&format!("{name}.pkl"))).unwrap();
        assert_eq!(value.entries().len(), 40, "{name}");
        for pair in expected["dict"].as_array().unwrap() {
            let key = pair[0].as_str().unwrap();
            let found = value.get(key).unwrap_or_else(|| panic!("{name}: {key}"));
            assert!(same(found, &pair[1]), "{name}: {key}: {found:?}");
        }
    }
}

#[test]
fn arrays_in_a_file_are_the_same() {
    let expected = expected("pickle");
    for name in FILES {
        let mut store = Store::new(tempfile::tempfile().unwrap());
        store.least = 8;
        let value = read_into(&bytes(&format!("{name}.pkl"))[..], MIB, Some(store)).unwrap();
        let mut stored = 0;
        for pair in expected["dict"].as_array().unwrap() {
            let found = value.get(pair[0].as_str().unwrap()).unwrap();
            assert!(same(found, &pair[1]), "{name}: {}: {found:?}", pair[0]);
            let Some(rows) = found.shape().and_then(<[usize]>::first) else { continue };
            stored += usize::from(matches!(found, Value::Stored(_)));
            assert_eq!(found.rows(0, *rows).unwrap().shape, found.shape().unwrap(), "{name}");
            assert!(found.rows(1, *rows).is_err() && found.rows(usize::MAX, 2).is_err(), "{name}");
        }
        assert!(stored > 5, "{name}: {stored}");
    }
}

/// A dict of `names`, to each of which an array of `rows` pairs of f32 belongs, as NumPy writes it in protocol 3. The
/// first is made, and the others refer to it, or all are made.
fn arrays(names: usize, rows: u32, shared: bool) -> Vec<u8> {
    let mut pickle = b"\x80\x03}(".to_vec();
    for name in 0..names {
        pickle.extend(format!("Vname {name}\n").bytes());
        if name > 0 && shared {
            pickle.extend(b"h\x01");
            continue;
        }
        pickle.extend(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87Rq\x01(K\x01J");
        pickle.extend(rows.to_le_bytes());
        pickle.extend(b"K\x02\x86cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
        pickle.extend((8 * rows).to_le_bytes());
        pickle.extend((0..2 * rows).flat_map(|i| (i as f32 + name as f32).to_le_bytes()));
        pickle.extend(b"tb");
    }
    pickle.extend(b"u.");
    pickle
}

#[test]
fn a_pickle_larger_than_memory_goes_to_a_file() {
    // Twenty arrays of 80,000 bytes and room for three of them, once as bytes and once as numbers.
    let (pickle, limit) = (arrays(20, 10_000, false), 6 * 80_000);
    assert!(read(&pickle[..], limit).unwrap_err().contains("it needs more than 480000 bytes of memory"));
    let store = || Some(Store::new(tempfile::tempfile().unwrap()));
    let value = read_into(&pickle[..], limit, store()).unwrap();
    assert_eq!(value.entries().len(), 20);
    for (name, (key, array)) in value.entries().iter().enumerate() {
        assert_eq!((key.text(), array.shape()), (Some(format!("name {name}").as_str()), Some(&[10_000, 2][..])));
        let first = 2.0 * 7000.0 + name as f32;
        assert_eq!(array.rows(7000, 2).unwrap().values, [first, first + 1.0, first + 2.0, first + 3.0]);
    }
    // A small file cannot claim to have the same array again and again.
    assert!(read_into(&arrays(5, 10_000, true)[..], limit, store()).is_ok());
    assert!(read_into(&arrays(20, 10_000, true)[..], limit, store()).unwrap_err().contains("it needs more than"));
}

#[test]
fn cut_pickles_say_where_they_end() {
    for name in FILES {
        let whole = bytes(&format!("{name}.pkl"));
        for cut in (0..whole.len()).step_by(11) {
            let error = read(&whole[..cut], MIB).unwrap_err();
            assert!(error.contains("at byte"), "{name} cut at {cut}: {error}");
        }
    }
    let error = load(&path("v6.mat")).unwrap_err().to_string();
    assert!(error.contains("v6.mat: pickle: ") && error.contains("at byte"), "{error}");
    assert!(matches!(load(&path("none.pkl")), Err(Error::Io { action: "open", .. })));
}

#[test]
fn changed_bytes_are_read_or_refused() {
    for name in FILES {
        let whole = bytes(&format!("{name}.pkl"));
        for at in (0..whole.len()).step_by(17) {
            let mut changed = whole.clone();
            changed[at] = changed[at].wrapping_mul(7).wrapping_add(at as u8);
            // It may still be a pickle. It must not panic or take more than it may.
            drop(read(&changed[..], MIB));
        }
    }
}

#[test]
fn code_is_refused_by_name() {
    refused(b"cos\nsystem\n(S'true'\ntR.", "it refers to `os.system`, which is never loaded (at byte 0)");
    refused(
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        "`os.system`, which is never loaded (at byte 14)",
    );
    refused(b"(S'x'\nios\nsystem\n.", "`os.system`");
    refused(b"cbuiltins\neval\n.", "`builtins.eval`");
    refused(b"cnumpy\nmatrix\n.", "`numpy.matrix`");
    refused(b"cnumpy\ndtype\n.", "where a value is expected");
    refused(b"cnumpy\ndtype\n(lR.", "arguments of Dtype");
    refused(b"Pname\n.", "persistent");
    refused(b"\x80\x05\x97.", "out-of-band");
    refused(b"(icollections\nOrderedDict\n.", "class");
    refused(b"\x82\x01.", "class");
}

#[test]
fn damage_is_named() {
    refused(b"", "cannot be read further");
    refused(b"'json", "opcode 0x27 is unknown");
    refused(b"\x80\x09N.", "protocol 9");
    refused(b".", "stack is empty");
    refused(b"(.", "stack is empty");
    refused(b"N(.", "stack is empty");
    refused(b"e.", "mark is missing");
    refused(b"NNa.", "no list");
    refused(b"NNNs.", "no dict");
    refused(b"}(Nu.", "key without a value");
    refused(b"h\x07.", "number 7 of its memo is missing");
    refused(b"I12x\n.", "a number is not understood");
    refused(b"S'a\\q'\n.", "quoted string");
    refused(b"X\x02\0\0\0\xff\xff.", "not valid UTF-8");
    refused(b"NNR.", "no function");
    refused(b"NNb.", "state of an object");
}

/// An array of `shape` (a marked tuple) and type `<code` whose bytes are `data` (an opcode).
fn array(shape: &[u8], code: &str, data: &[u8]) -> Vec<u8> {
    let kind = format!("cnumpy\ndtype\n(S'{code}'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb");
    let start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n";
    [start, shape, kind.as_bytes(), b"I00\n", data, b"tb."].concat()
}

#[test]
fn arrays_are_checked() {
    let eight = b"U\x0812345678";
    assert!(read(&array(b"(I2\nt", "f4", eight)[..], MIB).unwrap().numbers().is_some());
    refused(&array(b"(I3\nt", "f4", eight), "its bytes are not 3 elements of type '<f4'");
    refused(&array(b"(I-2\nt", "f4", eight), "no tuple of whole numbers");
    refused(&array(b"(I4294967296\nI4294967296\nI4294967296\nt", "f4", eight), "impossibly large");
    refused(&array(b"(I4611686018427387904\nt", "f8", eight), "its bytes are not");
    refused(&array(&[&b"("[..], &b"I1\n".repeat(70), b"t"].concat(), "f8", eight), "70 dimensions");
    refused(&array(b"(I1\nt", "c8", eight), "type '<c8' is not supported");
    refused(&array(b"(I1\nt", "V8", eight), "type '<V8' is not supported");
    refused(&array(b"(I2\nt", "O8", b"(NNNl"), "another number of objects");
    refused(&array(b"(I1\nt", "U1", b"U\x04\xff\xff\xff\xff"), "not valid Unicode");
    refused(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.", "without content");
    let record = b"cnumpy\ndtype\n(S'V8'\nI0\nI1\ntR(I3\nS'|'\nN(S'x'\nt}I8\nI1\nI16\ntb.";
    refused(record, "record array");
    // Bytes of an array are gone once it is made, where they are not short.
    let long = [&b"(T\0\x04\0\0"[..], &[0; 1024], b"q\0"].concat();
    let twice = [&long[..], b"h\0l."].concat();
    assert_eq!(read(&twice[..], MIB).unwrap().items().len(), 2);
    let mut reused = array(b"(I256\nt", "f4", &long[1..]);
    reused.pop();
    refused(&[b"(", &reused[..], b"h\0l."].concat(), "for something else, too");
}

#[test]
fn memory_is_bounded() {
    // Each list holds the one before twice: 2^99 elements.
    let mut laughs = b"]q\0".to_vec();
    laughs.extend(b"(h\0h\0lq\0".repeat(99));
    laughs.push(b'.');
    refused(&laughs, "needs more than 1048576 bytes of memory");
    refused(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "needs more than");
    refused(b"B\xff\xff\xff\x7f12", "needs more than");
    refused(b"B\xff\xff\0\x0012", "ends after 2 of 65535 bytes");
    refused(&b"N".repeat(MIB), "needs more than");
    refused(&b"(".repeat(MIB), "needs more than");
    refused(&b"}0".repeat(MIB), "needs more than");
    refused(&[&b"N"[..], &b"p7\n".repeat(MIB)].concat(), "needs more than");
    refused(&[&b"S'"[..], &b"x".repeat(2 * MIB), b"'\n."].concat(), "too long");
    // An array of 1 KiB that is used 900 times still fits; 1100 times it does not.
    let shared = |times| {
        let one = array(b"(I256\nt", "f4", &[&b"T\0\x04\0\0"[..], &[0; 1024]].concat());
        [b"(", &one[..one.len() - 1], b"q\0", &b"h\0".repeat(times), b"l."].concat()
    };
    assert_eq!(read(&shared(800)[..], MIB).unwrap().items().len(), 801);
    refused(&shared(1100), "needs more than");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| [b"]".repeat(depth), b"a".repeat(depth - 1), b".".to_vec()].concat();
    assert_eq!(read(&nested(100)[..], MIB).unwrap().items().len(), 1);
    refused(&nested(101), "nests more than 100 deep");
    assert!(read(&nested(MIB)[..], 1 << 30).unwrap_err().contains("nests more than"));
    refused(b"]q\0h\0a.", "holds itself");
    refused(b"}q\0Nh\0s.", "holds itself");
    let itself = array(b"(I1\nt", "O8", b"(h\0l");
    let at = itself.windows(2).position(|pair| pair == b"tR").unwrap() + 2;
    refused(&[&itself[..at], b"q\0", &itself[at..]].concat(), "holds itself");
}

#[test]
fn numbers_and_texts_of_all_opcodes() {
    let one = |pickle: &[u8]| read(pickle, MIB).unwrap();
    assert_eq!(one(b"L-12L\n."), Value::Integer(-12));
    assert_eq!(one(b"I01\n."), Value::Bool(true));
    assert_eq!(one(b"F1e999\n."), Value::Float(f64::INFINITY));
    assert_eq!(one(b"\x8a\x00."), Value::Integer(0));
    assert_eq!(one(b"\x8a\x01\xff."), Value::Integer(-1));
    assert_eq!(one(b"\x8a\x09\0\0\0\0\0\0\0\0\xff."), Value::Float(-(2f64.powi(64))));
    assert_eq!(one(b"\x8b\x02\0\0\0\x00\x80."), Value::Integer(-32768));
    assert_eq!(
        one(b"Vd\xe9 \\u2026 \\U0001f600 \\n \\ud800\n."),
        Value::Text("d\u{e9} \u{2026} \u{1f600} \\n \u{fffd}".into())
    );
    assert_eq!(one(b"S\"it's\\x00\"\r\n."), Value::Text("it's\0".into()));
    assert_eq!(one(b"K\x012\x86."), Value::List(vec![Value::Integer(1); 2]));
    assert_eq!(one(b"(NN1N."), Value::None);
}
