# events carries events (samples.py:31)
module "events" {
  source       = "../modules/event_bus"
  name         = "market-prod-events"
  account_id   = local.account_id
  archive_days = 30
}

# mails carries messages (samples.py:32)
module "mails" {
  source  = "../modules/sqs_queue"
  name    = "market-prod-mails"
  key_arn = module.keys.data_key_arn
  senders = [{ service = "events.amazonaws.com", source_arn = module.to_mails.arn }]
}

# undelivered carries messages (samples.py:32)
module "undelivered" {
  source  = "../modules/sqs_queue"
  name    = "market-prod-undelivered"
  key_arn = module.keys.data_key_arn
  senders = [{ service = "events.amazonaws.com", source_arn = module.to_mails.arn }]
}

# to-mails leads events of events to mails (samples.py:37)
module "to_mails" {
  source           = "../modules/event_rule"
  name             = "market-prod-to-mails"
  bus_name         = module.events.name
  pattern          = "{\"detail-type\": [\"paid\"]}"
  target_arn       = module.mails.arn
  dead_letter_arn  = module.undelivered.arn
  own_dead_letters = false
}

# to-flow-deliveries carries messages: from EventBridge to what brings it to flow (samples.py:38)
module "to_flow_deliveries" {
  source                     = "../modules/sqs_queue"
  name                       = "market-prod-to-flow-deliveries"
  key_arn                    = module.keys.data_key_arn
  visibility_timeout_seconds = 35
  retention_seconds          = 1209600
  max_receive_count          = 1000
  senders                    = [{ service = "events.amazonaws.com", source_arn = module.to_flow.arn }]
}

# to-flow leads events of events to to-flow-deliveries (samples.py:38)
module "to_flow" {
  source     = "../modules/event_rule"
  name       = "market-prod-to-flow"
  bus_name   = module.events.name
  pattern    = "{\"detail-type\": [\"paid\"]}"
  target_arn = module.to_flow_deliveries.arn
  key_arn    = module.keys.data_key_arn
}

# to-api-deliveries carries messages: from EventBridge to what brings it to api (samples.py:39)
module "to_api_deliveries" {
  source                     = "../modules/sqs_queue"
  name                       = "market-prod-to-api-deliveries"
  key_arn                    = module.keys.data_key_arn
  visibility_timeout_seconds = 35
  retention_seconds          = 1209600
  max_receive_count          = 1000
  senders                    = [{ service = "events.amazonaws.com", source_arn = module.to_api.arn }]
}

# to-api leads events of events to to-api-deliveries (samples.py:39)
module "to_api" {
  source     = "../modules/event_rule"
  name       = "market-prod-to-api"
  bus_name   = module.events.name
  pattern    = "{\"detail-type\": [\"paid\"]}"
  target_arn = module.to_api_deliveries.arn
  key_arn    = module.keys.data_key_arn
}

# to-outside-deliveries carries messages: from EventBridge to what brings it to hooks-example-com (samples.py:40)
module "to_outside_deliveries" {
  source                     = "../modules/sqs_queue"
  name                       = "market-prod-to-outside-deliveries"
  key_arn                    = module.keys.data_key_arn
  visibility_timeout_seconds = 35
  retention_seconds          = 1209600
  max_receive_count          = 1000
  senders                    = [{ service = "events.amazonaws.com", source_arn = module.to_outside.arn }]
}

# to-outside leads events of events to to-outside-deliveries (samples.py:40)
module "to_outside" {
  source     = "../modules/event_rule"
  name       = "market-prod-to-outside"
  bus_name   = module.events.name
  pattern    = "{\"detail-type\": [\"paid\"]}"
  target_arn = module.to_outside_deliveries.arn
  key_arn    = module.keys.data_key_arn
}
