// What the Go player's workloads share: flags, processor time, medians, and the one line of JSON at the end.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io/ioutil"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

var (
	endpoint  = flag.String("endpoint", "127.0.0.1:2379", "host:port")
	mode      = flag.String("mode", "", "kept or fresh")
	prefix    = flag.String("prefix", "bench/", "of all keys; ends with a slash")
	n         = flag.Int("n", 1, "elections or waiters at the same time")
	rounds    = flag.Int("rounds", 100, "how often")
	ttl       = flag.Int("ttl", 10, "seconds")
	settleMs  = flag.Int("settle-ms", 12, "from a candidate's arrival to the resignation before it")
	seconds   = flag.Float64("seconds", 3, "how long")
	serverPid = flag.Int("server-pid", 0, "whose processor time is the server's")
)

const warmUp = 30 // rounds that are not counted, as in every player

var input = bufio.NewReader(os.Stdin)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

// CLOCK_MONOTONIC in seconds: the same for all processes of a host. Go's own clock has another origin.
func monotonic() float64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func ownCPU() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

func serverCPU() float64 {
	text, err := ioutil.ReadFile(fmt.Sprintf("/proc/%d/stat", *serverPid))
	if *serverPid == 0 || err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}

type metrics map[string]float64

func (m metrics) putAll(name string, values []float64) {
	sort.Float64s(values)
	m[name+"_p50"] = values[len(values)/2]
	m[name+"_p99"] = values[int(float64(len(values))*0.99)]
	m[name+"_min"] = values[0]
	m[name+"_max"] = values[len(values)-1]
	m[name+"_count"] = float64(len(values))
}

func (m metrics) print() {
	text, err := json.Marshal(m)
	check(err)
	fmt.Println(string(text))
}

func rssMB() float64 {
	text, _ := ioutil.ReadFile("/proc/self/statm")
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages*os.Getpagesize()) / 1e6
}

type cpuMeter struct{ own, server float64 }

func startCPU() cpuMeter { return cpuMeter{ownCPU(), serverCPU()} }

func (c cpuMeter) put(m metrics, things int) {
	m["client_cpu_ms"] = (ownCPU() - c.own) * 1e3 / float64(things)
	if *serverPid != 0 {
		m["server_cpu_ms"] = (serverCPU() - c.server) * 1e3 / float64(things)
	}
}

func untilInputEnds() {
	for {
		if _, err := input.ReadByte(); err != nil {
			return
		}
	}
}
