"""EventBridge event patterns: the grammar as data, what one pattern takes, and an index of many.

`grammar` is the data, `parse` makes it of JSON, `events` flattens an event, `evaluate` asks one pattern,
`matcher` asks many at once. Sources of the meaning, both read on 2026-11-21:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html and, where that is
silent, the matcher that AWS publishes, https://github.com/aws/event-ruler (README.md, JsonRuleCompiler.java).
"""
