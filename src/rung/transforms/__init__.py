"""EventBridge input transformers: what of an event a rule's target gets.

`paths` reads values out of an event, `transformer` is the data and the parsing, `rendering` makes the text. The
meaning is that of "Amazon EventBridge input transformation"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html) and of the data type
InputTransformer (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html), both read
on 2026-11-21.
"""
