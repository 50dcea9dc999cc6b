package sg_test

import (
	"fmt"

	"github.com/sgfuzz/sgfuzz/sg"
)

func ExampleList_Features() {
	// The first entry ends in mid-page, the second starts on a page boundary.
	l, err := sg.ParseList("0x1000+1\n0x5000+4096")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Features(4096))
	fmt.Println(l.Stats())
	// Output:
	// n2 first-start:page first-end:odd interior:page interior:odd last-end:page gap-end
	// 2 entries, 4097 bytes, 1 to 4096 each, in 0x1000-0x5fff
}

func ExampleGenerate() {
	c := sg.NewRandom(2)
	l, name := sg.Generate(c, &sg.Params{PageSize: 4096}, nil)
	again, _ := sg.Generate(sg.NewChoices(c.Recorded()), &sg.Params{PageSize: 4096}, nil)
	literal, how := sg.Generate(sg.NewChoices(sg.EncodeList(nil, l)), nil, nil)
	fmt.Println(name != "", l.String() == again.String())
	fmt.Println(how, l.String() == literal.String())
	// Output:
	// true true
	// literal true
}

func ExampleMemory() {
	host := sg.NewMemory(1)
	if err := host.Write(0xffff_ffff_ffff_fffe, []byte{0xaa, 0xbb}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(host.Write(0xffff_ffff_ffff_fffe, []byte{1, 2, 3}))
	for _, e := range host.AppendWritten(nil) {
		fmt.Printf("%#x+%d\n", e.Addr, e.Len)
	}
	// Output:
	// write of 3 bytes at 0xfffffffffffffffe: range runs past 2^64
	// 0xfffffffffffffffe+2
}

func ExampleDMA_Map() {
	l, _ := sg.ParseList("0x10000+4096\n0x11000+4096\n0x20000+512")
	for _, text := range []string{"identity", "merge 65536", "split 2048"} {
		d, err := sg.ParseDMA(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		mapped, _ := d.Map(nil, l)
		fmt.Printf("%v: %d entries, %d bytes\n", d, len(mapped), mapped.Total())
	}
	// Output:
	// identity: 3 entries, 8704 bytes
	// merge 65536: 2 entries, 8704 bytes
	// split 2048: 5 entries, 8704 bytes
}

func ExampleShrink() {
	l, _ := sg.ParseList("0x7f0012345678+5000\n0x7f0099999000+123456 lkey=0x42\n0x7f00aaaaa000+4096")
	fails := func(l sg.List) bool { return l.Features(4096)&sg.GapEnd != 0 }
	fmt.Print(sg.Shrink(l, fails, 10000))
	// Output:
	// 0x0+1
	// 0x0+1
}
