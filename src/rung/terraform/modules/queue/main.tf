# One queue of an application: each lane is a queue of SQS, so that a slow lane holds up no other.
module "lane" {
  source   = "../sqs_queue"
  for_each = toset(var.lanes)

  name                       = "${var.name}-${each.key}"
  key_arn                    = var.key_arn
  visibility_timeout_seconds = var.visibility_timeout_seconds
  retention_seconds          = var.retention_seconds
  delay_seconds              = var.delay_seconds
  max_receive_count          = var.max_receive_count
  senders                    = lookup(var.senders, each.key, [])
}
