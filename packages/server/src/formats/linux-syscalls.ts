/**
 * Names of the system calls that audit rules usually name, by architecture as audit records write it. A number that is not
 * here stays a number; enriched records name theirs themselves.
 */
const calls: Readonly<Record<string, readonly [number, string][]>> = {
  c000003e: parse(
    "read 0 write 1 open 2 close 3 connect 42 accept 43 socket 41 sendto 44 recvfrom 45 bind 49 listen 50 clone 56 fork 57",
    "vfork 58 execve 59 kill 62 truncate 76 ftruncate 77 rename 82 mkdir 83 rmdir 84 creat 85 link 86 unlink 87 symlink 88",
    "chmod 90 fchmod 91 chown 92 fchown 93 lchown 94 ptrace 101 setuid 105 setgid 106 setreuid 113 setregid 114 setresuid 117",
    "setresgid 119 mknod 133 personality 135 pivot_root 155 prctl 157 adjtimex 159 chroot 161 acct 163 settimeofday 164",
    "mount 165 umount2 166 swapon 167 swapoff 168 reboot 169 sethostname 170 setdomainname 171 init_module 175",
    "delete_module 176 setxattr 188 lsetxattr 189 fsetxattr 190 removexattr 197 lremovexattr 198 fremovexattr 199",
    "clock_settime 227 kexec_load 246 openat 257 mkdirat 258 mknodat 259 fchownat 260 unlinkat 263 renameat 264 linkat 265",
    "symlinkat 266 fchmodat 268 unshare 272 accept4 288 open_by_handle_at 304 clock_adjtime 305 setns 308",
    "process_vm_writev 311 finit_module 313 renameat2 316 memfd_create 319 kexec_file_load 320 bpf 321 execveat 322",
    "io_uring_setup 425 clone3 435 openat2 437 fchmodat2 452",
  ),
  c00000b7: parse(
    "setxattr 5 lsetxattr 6 fsetxattr 7 removexattr 14 lremovexattr 15 fremovexattr 16 mknodat 33 mkdirat 34 unlinkat 35",
    "symlinkat 36 linkat 37 renameat 38 umount2 39 mount 40 pivot_root 41 truncate 45 ftruncate 46 chroot 51 fchmod 52",
    "fchmodat 53 fchownat 54 fchown 55 openat 56 close 57 read 63 write 64 acct 89 personality 92 unshare 97 kexec_load 104",
    "init_module 105 delete_module 106 clock_settime 112 ptrace 117 kill 129 reboot 142 setregid 143 setgid 144 setreuid 145",
    "setuid 146 setresuid 147 setresgid 149 sethostname 161 setdomainname 162 prctl 167 settimeofday 170 adjtimex 171",
    "socket 198 bind 200 listen 201 accept 202 connect 203 sendto 206 recvfrom 207 clone 220 execve 221 swapon 224",
    "swapoff 225 accept4 242 open_by_handle_at 265 clock_adjtime 266 setns 268 process_vm_writev 271 finit_module 273",
    "renameat2 276 memfd_create 279 bpf 280 execveat 281 kexec_file_load 294 io_uring_setup 425 clone3 435 openat2 437",
    "fchmodat2 452",
  ),
}

const names = new Map(Object.entries(calls).map(([arch, known]) => [arch, new Map(known)] as const))

/** `execve`, or the number as it came. */
export function syscallName(arch: string | undefined, call: string): string {
  return names.get(arch ?? "")?.get(Number(call)) ?? call
}

function parse(...lines: readonly string[]): [number, string][] {
  const words = lines.join(" ").split(" ")
  const pairs: [number, string][] = []
  for (let at = 0; at < words.length; at += 2) {
    pairs.push([Number(words[at + 1]), words[at] as string])
  }
  return pairs
}
