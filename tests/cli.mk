# What the scripts of this folder need built beside the programs.
TEST_NEEDS += $(O)/tests/bench/swarm
