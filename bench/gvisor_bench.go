// SPDX-License-Identifier: MIT

// gVisor's netstack on the same tasks as the in-memory suite: two of its stacks back to back in
// one process, on one core, through its endpoints, which is how its own sandbox uses them.
//
//	bench_gvisor [SECONDS [full | PART]]
//
// The link is its own pipe, which delivers at once and passes references instead of copying: a
// copy less than ours. Checksums are made and verified, except where a row says "super": there the
// link claims segmentation and checksum offload, as gVisor's door to a host's device does. Buffers
// are as large as it makes them (1 MiB, which suits it best), SACK is on; what arrives is read without being
// copied. Its clock is the machine's, so that entries in TIME-WAIT pile up while connections open
// and close, and none expires.
//
// Each figure takes about SECONDS of the process's time, its garbage collector's included; "full"
// adds what takes long, PART (bulk, lifecycle, round_trips, memory) is one kind alone.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	nic       = 1
	firstPort = 5000
	ports     = 64
	message   = 64
	piece     = 65536
	idle      = 10000
	measured  = 1000 // connections whose memory is counted
)

func need(err tcpip.Error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench_gvisor: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// Seconds of a core that this process has had.
func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func figure(key string, value float64, unit string) {
	fmt.Printf("core.%s.gvisor\t%.6g\t%s\n", key, value, unit)
}

// ---------------------------------------------------------------------------------------- link --

// A pipe's end that claims to cut super-segments and to fill in checksums.
type offloading struct{ *pipe.Endpoint }

func (offloading) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityTXChecksumOffload | stack.CapabilityRXChecksumOffload
}
func (offloading) GSOMaxSize() uint32               { return 65535 }
func (offloading) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

var addresses = [2]tcpip.Address{"\x0a\x00\x00\x01", "\x0a\x00\x00\x02"}

func newStack(link stack.LinkEndpoint, address tcpip.Address) *stack.Stack {
	host := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	need(host.CreateNIC(nic, link), "cannot add the link")
	need(host.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address, PrefixLen: 24},
	}, stack.AddressProperties{}), "cannot add an address")
	host.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	sack := tcpip.TCPSACKEnabled(true)
	need(host.SetTransportProtocolOption(tcp.ProtocolNumber, &sack), "SACK")
	return host
}

// ---------------------------------------------------------------------------------------- ends --

// One end of a connection, or a listener.
type end struct {
	tcpip.Endpoint
	queue    *waiter.Queue
	readable chan struct{}
	writable chan struct{}
}

func newEnd(endpoint tcpip.Endpoint, queue *waiter.Queue) *end {
	in, readable := waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventHUp | waiter.EventErr)
	out, writable := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventHUp | waiter.EventErr)
	queue.EventRegister(&in)
	queue.EventRegister(&out)
	return &end{endpoint, queue, readable, writable}
}

func openEnd(host *stack.Stack) *end {
	var queue waiter.Queue
	endpoint, err := host.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	need(err, "cannot make an endpoint")
	return newEnd(endpoint, &queue)
}

func (e *end) undelayed() *end {
	e.SocketOptions().SetDelayOption(false)
	return e
}

// Takes what has arrived, copying it to the writer; waits if that is nothing. False at the end of the data.
func (e *end) read(to io.Writer) bool {
	for {
		_, err := e.Read(to, tcpip.ReadOptions{})
		switch err.(type) {
		case nil:
			return true
		case *tcpip.ErrWouldBlock:
			<-e.readable
		case *tcpip.ErrClosedForReceive:
			return false
		default:
			need(err, "cannot read")
		}
	}
}

func (e *end) send(data []byte) {
	n, err := e.Write(bytes.NewReader(data), tcpip.WriteOptions{})
	need(err, "cannot write")
	if n != int64(len(data)) {
		panic("bench_gvisor: a short write")
	}
}

type connection struct{ client, server *end }

// --------------------------------------------------------------------------------------- world --

type world struct {
	client, server *stack.Stack
	listeners      [ports]*end
	opened         int
}

func newWorld(mtu uint32, super bool) *world {
	here, there := pipe.New("\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02", mtu)
	w := &world{}
	if super {
		w.client, w.server = newStack(offloading{here}, addresses[0]), newStack(offloading{there}, addresses[1])
	} else {
		w.client, w.server = newStack(here, addresses[0]), newStack(there, addresses[1])
	}
	for i := range w.listeners {
		w.listeners[i] = openEnd(w.server)
		need(w.listeners[i].Bind(tcpip.FullAddress{Addr: addresses[1], Port: uint16(firstPort + i)}), "cannot bind")
		need(w.listeners[i].Listen(4096), "cannot listen")
	}
	return w
}

func (w *world) close() {
	w.client.Close()
	w.server.Close()
}

func (w *world) begin() (client, listener *end) {
	client, which := openEnd(w.client).undelayed(), w.opened%ports
	w.opened++
	err := client.Connect(tcpip.FullAddress{Addr: addresses[1], Port: uint16(firstPort + which)})
	if _, started := err.(*tcpip.ErrConnectStarted); !started {
		need(err, "cannot connect")
	}
	return client, w.listeners[which]
}

func (w *world) finish(client, listener *end) connection {
	<-client.writable
	for {
		endpoint, queue, err := listener.Accept(nil)
		if _, early := err.(*tcpip.ErrWouldBlock); early {
			<-listener.readable
			continue
		}
		need(err, "cannot accept")
		return connection{client, newEnd(endpoint, queue).undelayed()}
	}
}

func (w *world) open() connection { return w.finish(w.begin()) }

// ------------------------------------------------------------------------------------- figures --

type counter int

func (c *counter) Write(data []byte) (int, error) { *c += counter(len(data)); return len(data), nil }

// Writes as much as there is room for and reads as much as has arrived, until neither goes on.
func (c connection) pump(data []byte, arrived *counter) {
	_, full := c.client.Write(bytes.NewReader(data), tcpip.WriteOptions{})
	if _, ok := full.(*tcpip.ErrWouldBlock); !ok {
		need(full, "cannot write")
	}
	_, empty := c.server.Read(arrived, tcpip.ReadOptions{})
	if _, ok := empty.(*tcpip.ErrWouldBlock); !ok {
		need(empty, "cannot read")
	}
	if full != nil && empty != nil {
		select {
		case <-c.server.readable:
		case <-c.client.writable:
		}
	}
}

func bulk(key string, length float64, mtu uint32, super bool) {
	w := newWorld(mtu, super)
	c := w.open()
	data := make([]byte, piece)
	var arrived counter
	start := cpu()
	at := start
	for at-start < length {
		for i := 0; i < 64; i++ {
			c.pump(data, &arrived)
		}
		at = cpu()
	}
	figure(key, float64(arrived)*8e-9/(at-start), "Gbit/s")
	w.close()
}

var byteEachWay = []byte("x")

// Opens so many connections, sends a byte each way on each, closes them from both sides.
func (w *world) lives(conns []connection) {
	clients, listeners := make([]*end, len(conns)), make([]*end, len(conns))
	for i := range conns {
		clients[i], listeners[i] = w.begin()
	}
	for i := range conns {
		conns[i] = w.finish(clients[i], listeners[i])
	}
	for _, c := range conns {
		c.client.send(byteEachWay)
	}
	for _, c := range conns {
		c.server.read(io.Discard)
		c.server.send(byteEachWay)
	}
	for _, c := range conns {
		c.client.read(io.Discard)
		need(c.client.Shutdown(tcpip.ShutdownWrite), "cannot close")
	}
	for _, c := range conns {
		for c.server.read(io.Discard) {
		}
		c.server.Close()
	}
	for _, c := range conns {
		for c.client.read(io.Discard) {
		}
		c.client.Close()
	}
}

func lifecycle(key string, length float64, together int) {
	w := newWorld(1500, false)
	conns := make([]connection, together)
	count := 0
	start := cpu()
	at := start
	for at-start < length {
		w.lives(conns)
		count += together
		at = cpu()
	}
	figure(key, float64(count)/(at-start), "1/s")
	w.close()
}

func (c connection) roundTrip(data []byte, answer *bytes.Buffer) {
	c.client.send(data)
	answer.Reset()
	c.server.read(answer)
	c.server.send(answer.Bytes())
	answer.Reset()
	c.client.read(answer)
	if answer.Len() != message {
		panic("bench_gvisor: a message came in pieces")
	}
}

func roundTrips(key string, length float64, conns []connection) {
	data, answer := make([]byte, message), &bytes.Buffer{}
	trips, which := 0, 0
	start := cpu()
	at := start
	for at-start < length {
		for i := 0; i < 256; i++ {
			which = (which + 7919) % len(conns)
			conns[which].roundTrip(data, answer)
			trips++
		}
		at = cpu()
	}
	figure(key, float64(trips)/(at-start), "1/s")
}

func allRoundTrips(length float64) {
	w := newWorld(1500, false)
	conns := []connection{w.open()}
	roundTrips("round_trips", length, conns)
	for len(conns) <= idle {
		conns = append(conns, w.open())
	}
	roundTrips("round_trips_10k_idle", length, conns[:1])
	roundTrips("round_trips_among_10k", length, conns[:idle])
	w.close()
}

// Bytes that are really in use: garbage is collected first.
func inUse() uint64 {
	var stats runtime.MemStats
	debug.FreeOSMemory()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// An endpoint at rest after 64 KiB each way. Queue and channels of the application count: it cannot do without.
func memory() {
	w := newWorld(1500, false)
	data := make([]byte, piece)
	conns := make([]connection, measured)
	before := inUse()
	for i := range conns {
		conns[i] = w.open()
		for _, way := range [][2]*end{{conns[i].client, conns[i].server}, {conns[i].server, conns[i].client}} {
			way[0].send(data)
			for arrived := counter(0); arrived < piece; {
				way[1].read(&arrived)
			}
		}
	}
	figure("bytes_established", float64(inUse()-before)/(2*measured), "bytes")
	runtime.KeepAlive(conns)
	w.close()
}

// What is left of a connection whose both ends have been closed: the opener's end in TIME-WAIT.
func timeWait() {
	w := newWorld(1500, false)
	conns := make([]connection, measured)
	w.lives(conns[:100])
	before := inUse()
	w.lives(conns)
	for i := range conns {
		conns[i] = connection{}
	}
	figure("bytes_time_wait", float64(inUse()-before)/measured, "bytes")
	w.close()
}

func main() {
	length, part := 1.0, ""
	if len(os.Args) > 1 {
		length, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	if len(os.Args) > 2 {
		part = os.Args[2]
	}
	wanted := func(name string) bool { return part == "" || part == "full" || part == name }
	runtime.GOMAXPROCS(1)
	if wanted("bulk") {
		bulk("bulk_1500", length, 1500, false)
		bulk("bulk_9000", length, 9000, false)
		bulk("bulk_super", length, 1500, true)
	}
	if wanted("lifecycle") {
		lifecycle("lifecycle_1", length, 1)
		lifecycle("lifecycle_100", length, 100)
		if part != "" {
			lifecycle("lifecycle_10k", length, 10000)
		}
	}
	if wanted("round_trips") {
		allRoundTrips(length)
	}
	if wanted("memory") {
		memory()
		timeWait()
	}
}
