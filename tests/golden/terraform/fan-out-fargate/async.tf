# uploads carries messages in 2 lanes (fanning.py:14)
module "uploads" {
  source                     = "../modules/queue"
  name                       = "tea-prod-uploads"
  lanes                      = ["urgent", "bulk"]
  key_arn                    = module.keys.data_key_arn
  visibility_timeout_seconds = 210
}

# mails carries messages (fanning.py:14)
module "mails" {
  source                     = "../modules/sqs_queue"
  name                       = "tea-prod-mails"
  key_arn                    = module.keys.data_key_arn
  visibility_timeout_seconds = 180
}
