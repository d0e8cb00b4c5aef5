use std::str;

use super::*;

#[test]
fn the_page_is_small() {
    let size: usize = FILES.iter().map(|file| file.bytes.len()).sum();
    assert!(size < 150_000, "{size} bytes");
}

#[test]
fn the_page_asks_nobody_else_and_brings_no_inline_script() {
    for file in FILES {
        let text = str::from_utf8(file.bytes).unwrap();
        let outside = text
            .match_indices("://")
            .filter(|(at, _)| !text[*at..].starts_with("://www.w3.org/2000/svg"));
        assert_eq!(outside.count(), 0, "{}", file.path);
        assert!(!text.contains("innerHTML"), "{}", file.path);
        assert!(!text.contains("style=\""), "{}", file.path);
    }
}

#[test]
fn every_file_that_another_names_is_served() {
    for file in FILES {
        let text = str::from_utf8(file.bytes).unwrap();
        for (start, end) in [("from './", '\''), ("\"page/", '"')] {
            for part in text.split(start).skip(1) {
                let name = part.split(end).next().unwrap();
                let path = format!("/page/{name}");
                assert!(is_at(&path), "{} names {path}", file.path);
            }
        }
    }
}

#[test]
fn no_path_of_the_page_starts_at_the_root() {
    for file in FILES {
        let text = str::from_utf8(file.bytes).unwrap();
        for start in [
            "href=\"/",
            "src=\"/",
            "url(/",
            "('GET', '/",
            "`/v1/rotate",
            "URL('/",
        ] {
            assert!(!text.contains(start), "{} has {start}", file.path);
        }
    }
}
