package reg

// defaultMaxSGLRead is the max_sgl_rd of the rdmarw strategy in Strategies.
const defaultMaxSGLRead = 16

var strategies = [...]Strategy{
	FastReg{},
	&MultiMR{},
	Bounce{},
	Pool512{},
	Indirect{},
	RDMARW{MaxSGLRead: defaultMaxSGLRead},
	UMem{},
	Auto{},
}

// Strategies are all strategies with their default settings.
func Strategies() []Strategy { return append([]Strategy(nil), strategies[:]...) }

// StrategyByName finds one of Strategies.
func StrategyByName(name string) (Strategy, bool) {
	for _, s := range strategies {
		if s.Name() == name {
			return s, true
		}
	}
	return nil, false
}
