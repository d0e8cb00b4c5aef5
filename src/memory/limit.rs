//! How much memory the machine and the control groups allow the process.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Assumed if the machine's memory is unknown, in bytes.
const UNKNOWN: usize = 1 << 30;

/// Half of the machine's memory, or half of the smallest limit of the process's control groups if
/// that is less, in bytes.
pub(crate) fn default_limit() -> usize {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let proc = |name: &str| read(&Path::new("/proc").join(name)).unwrap_or_default();
    let files = limit_files(&proc("self/cgroup"), &proc("self/mountinfo"));
    let limits: Vec<_> = files.iter().filter_map(|file| read(file)).collect();
    let least = least(&proc("meminfo"), limits.iter().map(String::as_str));
    least.map_or(UNKNOWN, |least| {
        usize::try_from(least / 2).unwrap_or(usize::MAX)
    })
}

/// The smallest of `MemTotal` and the control group limits, in bytes.
fn least<'t>(meminfo: &str, limits: impl IntoIterator<Item = &'t str>) -> Option<u64> {
    let limits = limits.into_iter();
    // Without a limit, version 2 writes "max" and version 1 a number near 2^63.
    let limits = limits.filter_map(|text| text.trim().parse::<u64>().ok());
    limits
        .chain(total(meminfo))
        .filter(|limit| *limit > 0)
        .min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The files that may hold the limit of one of the process's control groups, or of their parents,
/// from the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn limit_files(cgroup: &str, mountinfo: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_hierarchy), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let names: &[&str] = match controllers {
            "" => &["memory.max", "memory.high"],
            _ if controllers.split(',').any(|name| name == "memory") => &["memory.limit_in_bytes"],
            _ => continue,
        };
        for mount in mountinfo.lines().filter_map(Mount::parse) {
            if mount.carries(controllers) {
                files.extend(
                    mount
                        .levels(path)
                        .flat_map(|level| names.iter().map(move |name| level.join(name))),
                );
            }
        }
    }
    files
}

/// The mount point of a hierarchy of control groups.
struct Mount {
    /// The group that is visible there.
    root: PathBuf,
    at: PathBuf,
    is_v2: bool,
    has_memory: bool,
}

impl Mount {
    /// Parses a line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), if it is about control
    /// groups.
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, at) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let kind = after.next()?;
        let options = after.nth(1).unwrap_or_default();
        let is_v2 = kind == "cgroup2";
        (is_v2 || kind == "cgroup").then(|| Self {
            root: unescape(root).into(),
            at: unescape(at).into(),
            is_v2,
            has_memory: options.split(',').any(|option| option == "memory"),
        })
    }

    fn carries(&self, controllers: &str) -> bool {
        match controllers.is_empty() {
            true => self.is_v2,
            false => !self.is_v2 && self.has_memory,
        }
    }

    /// The folders of a group and of its parents that are visible here.
    fn levels(&self, group: &str) -> impl Iterator<Item = PathBuf> {
        // A group outside of the visible tree is shown with "..", or by a path that is not below
        // the root. The root is then the nearest.
        let below = Path::new(group).strip_prefix(&self.root).ok();
        let below = below.filter(|below| !below.components().any(|part| part.as_os_str() == ".."));
        let below = below.unwrap_or(Path::new("")).to_owned();
        let at = self.at.clone();
        let levels: Vec<_> = below.ancestors().map(|level| at.join(level)).collect();
        levels.into_iter()
    }
}

/// Space, tab, line feed and backslash are written as octal numbers.
fn unescape(text: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       16384256 kB\nMemFree:          123 kB\n";

    fn files(cgroup: &str, mountinfo: &str) -> Vec<String> {
        let files = limit_files(cgroup, mountinfo);
        files
            .iter()
            .map(|file| file.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_least_of_machine_and_groups_counts() {
        assert_eq!(least(MEMINFO, []), Some(16_384_256 << 10));
        assert_eq!(
            least(MEMINFO, ["max\n", "536870912\n", "1073741824\n"]),
            Some(512 << 20)
        );
        assert_eq!(
            least(MEMINFO, ["9223372036854771712\n"]),
            Some(16_384_256 << 10)
        );
        assert_eq!(least("", ["max"]), None);
        assert_eq!(least("", ["0", "nonsense", "4096"]), Some(4096));
    }

    #[test]
    fn all_groups_of_version_2_around_the_process_are_asked() {
        let mountinfo = "22 1 0:21 / /proc rw - proc proc rw\n\
                         30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(
            files("0::/system.slice/everwire.service\n", mountinfo),
            [
                "/sys/fs/cgroup/system.slice/everwire.service/memory.max",
                "/sys/fs/cgroup/system.slice/everwire.service/memory.high",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/system.slice/memory.high",
                "/sys/fs/cgroup/memory.max",
                "/sys/fs/cgroup/memory.high",
            ]
        );
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_root() {
        let own = "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let seen = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.high"];
        assert_eq!(files("0::/\n", own), seen);
        assert_eq!(files("0::/../other\n", own), seen);
        let host = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(files("0::/docker/abc\n", host), seen);
    }

    #[test]
    fn version_1_has_its_limit_where_its_memory_hierarchy_is_mounted() {
        let mountinfo = "33 32 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n\
                         36 32 0:32 /docker/abc /sys/fs/cgroup/mem\\040ory ro - cgroup cgroup rw,memory\n";
        let cgroup = "11:cpu,cpuacct:/docker/abc\n5:memory:/docker/abc/inner\n0::/docker/abc\n";
        assert_eq!(
            files(cgroup, mountinfo),
            [
                "/sys/fs/cgroup/mem ory/inner/memory.limit_in_bytes",
                "/sys/fs/cgroup/mem ory/memory.limit_in_bytes",
            ]
        );
    }

    #[test]
    fn this_machine_has_a_limit() {
        assert!(default_limit() > 16 << 20);
    }
}
