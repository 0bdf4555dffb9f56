package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"google.golang.org/protobuf/proto"

	"frostline/edge/panel"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// maxPacket bounds what is read of the hub, in bytes.
const maxPacket = 1 << 20

// mqtt opens a session as the gateway, and closes it again without a will: the
// hub's picture of the gateway does not change.
func (j *journey) mqtt(context.Context) Result {
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion = "MQTT", 4
	hello.ClientIdentifier, hello.CleanSession, hello.Keepalive = j.b.Gateway, true, 60
	answer, err := j.exchange(hello, func(p packets.ControlPacket) bool { _, is := p.(*packets.ConnackPacket); return is })
	if err != nil {
		return fail("Look at the hub's log; if this gateway was revoked, enrol it again.", "the hub ended the session at its beginning: %v", err)
	}
	if code := answer.(*packets.ConnackPacket).ReturnCode; code != packets.Accepted {
		return fail("Look at the hub's log; if this gateway was revoked, enrol it again.", "the hub refuses the session: %s", packets.ConnackReturnCodes[code])
	}
	ack := topic.MQTT(j.b.Gateway, topic.Ack)
	listen := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	listen.MessageID, listen.Topics, listen.Qoss = 1, []string{ack}, []byte{0}
	answer, err = j.exchange(listen, func(p packets.ControlPacket) bool { _, is := p.(*packets.SubackPacket); return is })
	if err != nil {
		return fail("Look at the hub's log for what it does not allow.", "subscribe to %s: %v", ack, err)
	}
	if codes := answer.(*packets.SubackPacket).ReturnCodes; len(codes) != 1 || codes[0] > 2 {
		return fail("Correct the broker's permissions: a gateway may read its own ack, config and command.", "the hub does not let %s read %s", j.b.Gateway, ack)
	}
	return ok("the hub accepts %s and lets it read its acknowledgements", j.b.Gateway)
}

// acknowledgement asks for one with a seal that is true of every chain: that
// nothing precedes its first block. It tells the hub nothing new.
func (j *journey) acknowledgement(context.Context) Result {
	defer j.leave()
	if !j.b.credentials() {
		return skipped("without a key to seal with, nothing can be asked of the hub")
	}
	key, err := j.b.identity.Signer()
	if err != nil {
		return fail(enrolAgain, "%v", err)
	}
	genesis := chain.Genesis(j.b.Gateway, 1)
	seal := &pb.Seal{Epoch: 1, Head: genesis[:], SentMs: j.b.Clock.Now()}
	if err := chain.Sign(j.b.Gateway, seal, key); err != nil {
		return fail(enrolAgain, "%v", err)
	}
	payload, err := proto.Marshal(seal)
	if err != nil {
		return fail("Report this as a fault of the program.", "%v", err)
	}
	ask := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	ask.TopicName, ask.Payload = topic.MQTT(j.b.Gateway, topic.Seal), payload
	var ack pb.Ack
	start := time.Now()
	_, err = j.exchange(ask, func(p packets.ControlPacket) bool {
		m, is := p.(*packets.PublishPacket)
		if !is || m.TopicName != topic.MQTT(j.b.Gateway, topic.Ack) {
			return false
		}
		ack.Reset()
		if proto.Unmarshal(m.Payload, &ack) != nil || ack.Epoch != seal.Epoch {
			return false
		}
		return ack.Echo == nil || ack.Echo.SentMs == seal.SentMs
	})
	took := time.Since(start)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fail("The broker works and the hub behind it does not answer: look at its intake and its log.", "no answer to a seal in %v", j.patience)
		}
		return fail("Look at the hub's log for what it does not allow.", "%v", err)
	}
	found := fmt.Sprintf("answered after %.1f ms", ms(took))
	if ack.Echo == nil {
		return warn("Look at the hub's clock: it tells no gateway the time while it is unsure of its own.", "%s, without the time", found)
	}
	if off := ack.Echo.ReceivedUtcMs - j.b.now().UnixMilli(); max(off, -off) > 60_000 {
		return warn("Look at ntp and rtc above, then at the hub's clock.", "%s; the hub's clock and the system clock are %s apart", found, panel.FormatAge(max(off, -off)))
	}
	return ok("%s", found)
}

// leave ends the session as MQTT wants it, so that the hub need not wonder.
func (j *journey) leave() {
	if j.conn == nil {
		return
	}
	if j.conn.SetDeadline(time.Now().Add(time.Second)) == nil {
		_ = packets.NewControlPacket(packets.Disconnect).Write(j.conn) // a courtesy
	}
	j.close()
}

// exchange sends a packet and reads until one is wanted, or patience ends.
func (j *journey) exchange(out packets.ControlPacket, wanted func(packets.ControlPacket) bool) (packets.ControlPacket, error) {
	if err := j.conn.SetDeadline(time.Now().Add(j.patience)); err != nil {
		return nil, err
	}
	if err := out.Write(j.conn); err != nil {
		return nil, err
	}
	for {
		in, err := readPacket(j.conn)
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the connection was closed")
		}
		if err != nil || wanted(in) {
			return in, err
		}
	}
}

// readPacket reads one MQTT packet of at most maxPacket bytes.
func readPacket(c net.Conn) (packets.ControlPacket, error) {
	head := make([]byte, 1, 5)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, err
	}
	length := 0
	for shift := 0; ; shift += 7 {
		var b [1]byte
		if shift > 21 {
			return nil, errors.New("malformed MQTT packet: length of more than four bytes")
		}
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return nil, err
		}
		head = append(head, b[0])
		length |= int(b[0]&0x7F) << shift
		if b[0]&0x80 == 0 {
			break
		}
	}
	if length > maxPacket {
		return nil, fmt.Errorf("MQTT packet of %d bytes: the limit is %d", length, maxPacket)
	}
	return packets.ReadPacket(io.MultiReader(bytes.NewReader(head), io.LimitReader(c, int64(length))))
}
