package vectors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

// libSetter is a setter call of a mkey_configure, by its "set" field.
type libSetter struct{ post libPost }

// UnmarshalJSON decodes the fields that the setter has, no more and no fewer.
func (s *libSetter) UnmarshalJSON(raw []byte) error {
	var head struct {
		Set string `json:"set"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	decode, ok := libSetters[head.Set]
	if !ok {
		return fmt.Errorf("unknown setter %q", head.Set)
	}
	post, err := decode(raw)
	if err != nil {
		return fmt.Errorf("setter %s: %w", head.Set, err)
	}
	s.post = post
	return nil
}

var libSetters = map[string]func(raw []byte) (libPost, error){
	"access_flags":       decodeAs(setAccess),
	"layout_list":        decodeAs(setLayoutList),
	"layout_interleaved": decodeAs(setLayoutInterleaved),
	"sig_block":          decodeAs(setSigBlock),
	"crypto":             decodeAs(setCrypto),
}

type accessSetter struct {
	Set    string         `json:"set"`
	Access libmlx5.Access `json:"access"`
}

func setAccess(s *accessSetter, _ *libRun, q *libmlx5.QP) { q.SetAccess(s.Access) }

type listSetter struct {
	Set string    `json:"set"`
	SGE []userSGE `json:"sge"`
}

func setLayoutList(s *listSetter, _ *libRun, q *libmlx5.QP) { q.SetLayoutList(userList(s.SGE)) }

type interleavedSetter struct {
	Set     string        `json:"set"`
	Repeat  uint32        `json:"repeat_count"`
	Entries []interleaved `json:"entries"`
}

func setLayoutInterleaved(s *interleavedSetter, _ *libRun, q *libmlx5.QP) {
	q.SetLayoutInterleaved(s.Repeat, interleavedList(s.Entries))
}

type sigBlockSetter struct {
	Set       string     `json:"set"`
	Flags     uint32     `json:"flags"`
	CheckMask uint8      `json:"check_mask"`
	CopyMask  uint8      `json:"copy_mask"`
	Mem       *sigDomain `json:"mem"`
	Wire      *sigDomain `json:"wire"`
}

func setSigBlock(s *sigBlockSetter, _ *libRun, q *libmlx5.QP) {
	attr := libmlx5.SigBlock{CheckMask: s.CheckMask, CopyMask: s.CopyMask, UseCopy: s.Flags&1 != 0}
	if s.Mem != nil {
		attr.Mem = libmlx5.SigDomain(*s.Mem)
	}
	if s.Wire != nil {
		attr.Wire = libmlx5.SigDomain(*s.Wire)
	}
	q.SetSigBlock(&attr)
}

// sigDomain is one side of a signature; its fields depend on the type.
type sigDomain libmlx5.SigDomain

type sigT10DIF struct {
	Type      string              `json:"type"`
	BgType    libmlx5.T10DIFType  `json:"bg_type"`
	Bg        uint16              `json:"bg"`
	AppTag    uint16              `json:"app_tag"`
	RefTag    uint32              `json:"ref_tag"`
	Flags     libmlx5.T10DIFFlags `json:"flags"`
	BlockSize libmlx5.BlockSize   `json:"block_size"`
}

type sigCRC struct {
	Type      string            `json:"type"`
	CRCType   libmlx5.CRCType   `json:"crc_type"`
	Seed      uint64            `json:"seed"`
	BlockSize libmlx5.BlockSize `json:"block_size"`
}

// UnmarshalJSON decodes the fields that the type has, no more and no fewer.
func (d *sigDomain) UnmarshalJSON(raw []byte) error {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	switch head.Type {
	case "t10dif":
		var t sigT10DIF
		err := decodeStrict(raw, &t)
		dif := libmlx5.T10DIF{Type: t.BgType, BG: t.Bg, AppTag: t.AppTag, RefTag: t.RefTag, Flags: t.Flags}
		*d = sigDomain{Type: libmlx5.SigT10DIF, T10DIF: dif, BlockSize: t.BlockSize}
		return err
	case "crc":
		var c sigCRC
		err := decodeStrict(raw, &c)
		*d = sigDomain{Type: libmlx5.SigCRC, CRC: libmlx5.CRC{Type: c.CRCType, Seed: c.Seed}, BlockSize: c.BlockSize}
		return err
	}
	return fmt.Errorf("unknown signature type %q", head.Type)
}

type cryptoSetter struct {
	Set          string              `json:"set"`
	EncryptOnTx  uint8               `json:"encrypt_on_tx"`
	Order        libmlx5.CryptoOrder `json:"signature_crypto_order"`
	DataUnitSize libmlx5.BlockSize   `json:"data_unit_size"`
	DEK          uint32              `json:"dek_object_id"`
	InitialTweak hex16               `json:"initial_tweak"`
	Keytag       hex8                `json:"keytag"`
}

func setCrypto(s *cryptoSetter, _ *libRun, q *libmlx5.QP) {
	q.SetCrypto(&libmlx5.Crypto{
		EncryptOnTX: s.EncryptOnTx != 0, Order: s.Order, DataUnit: s.DataUnitSize, DEK: s.DEK,
		InitialTweak: s.InitialTweak, Keytag: s.Keytag,
	})
}

type (
	hex16 [16]byte
	hex8  [8]byte
)

// UnmarshalJSON accepts exactly 32 hexadecimal digits.
func (h *hex16) UnmarshalJSON(raw []byte) error { return decodeHex(raw, h[:]) }

// UnmarshalJSON accepts exactly 16 hexadecimal digits.
func (h *hex8) UnmarshalJSON(raw []byte) error { return decodeHex(raw, h[:]) }

func decodeHex(raw, into []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	if len(b) != len(into) {
		return fmt.Errorf("%d bytes, want %d", len(b), len(into))
	}
	copy(into, b)
	return nil
}
