# Several may do these alike; a key is used by way of the service whose data it encrypts, and no other
locals {
  sqs_consume = [
    "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
  ]
  secretsmanager_read_key = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt"], through = "secretsmanager.${local.region}.amazonaws.com" }
  sqs_write_key           = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt", "kms:GenerateDataKey"], through = "sqs.${local.region}.amazonaws.com" }
}

# Who may talk to whom, and who may do what, with what of the workload asks for it; the rest is refused
module "grants" {
  source = "../modules/grants"
  name   = "market-prod"
  parties = [
    module.flow.party, module.db.party, module.api.party, module.events_router.party, module.load_balancer.party,
    module.db_migrate.party, module.mailer.party, module.undertaker.party,
  ]
  allowed = {
    flow          = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    api           = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    events-router = { db = [5432], api = [8000], vpc_endpoints = [443], s3 = [443], "hooks.example.com" = [443] }
    cloudfront    = { load-balancer = [443] }
    load-balancer = { api = [8000] }
    db-migrate    = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    mailer        = { vpc_endpoints = [443], s3 = [443] }
    undertaker    = { vpc_endpoints = [443], s3 = [443] }
  }
  groups       = { vpc_endpoints = module.network.endpoints_security_group_id }
  prefix_lists = { s3 = module.network.s3_prefix_list_id }
  addresses    = { "hooks.example.com" = "0.0.0.0/0" }
  statements = {
    # flow: read db; start flow (samples.py:33)
    FlowReadDbFlow = { role = "flow", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["flow"], module.approval_key.arn], key = local.secretsmanager_read_key }
    # api: read db; publish events (samples.py:34)
    ApiReadDb        = { role = "api", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["api"]], key = local.secretsmanager_read_key }
    ApiPublishEvents = { role = "api", actions = ["events:PutEvents"], resources = [module.events.arn] }
    # mailer: consume mails (samples.py:41)
    MailerConsumeMails            = { role = "mailer", actions = local.sqs_consume, resources = [module.mails.arn], key = local.sqs_write_key }
    MailerConsumeMailsDeadLetters = { role = "mailer", actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = [module.mails.dead_letter_arn] }
    # undertaker: consume undelivered (samples.py:42)
    UndertakerConsumeUndelivered            = { role = "undertaker", actions = local.sqs_consume, resources = [module.undelivered.arn], key = local.sqs_write_key }
    UndertakerConsumeUndeliveredDeadLetters = { role = "undertaker", actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = [module.undelivered.dead_letter_arn] }
    # events-router: consume to-flow, to-api, to-outside; start flow
    EventsRouterConsumeToFlowToApiToOutside            = { role = "events-router", actions = local.sqs_consume, resources = [module.to_flow_deliveries.arn, module.to_api_deliveries.arn, module.to_outside_deliveries.arn], key = local.sqs_write_key }
    EventsRouterConsumeToFlowDeadLettersToApiToOutside = { role = "events-router", actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = [module.to_flow_deliveries.dead_letter_arn, module.to_api_deliveries.dead_letter_arn, module.to_outside_deliveries.dead_letter_arn] }
    EventsRouterStartFlow                              = { role = "events-router", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["events-router"], module.approval_key.arn], key = local.secretsmanager_read_key }
    # sets up the roles of the database and applies the migrations
    DbMigrateSecrets = { role = "db-migrate", actions = ["secretsmanager:GetSecretValue"], resources = concat([module.db.master_secret_arn], values(module.db_logins.arns)), key = local.secretsmanager_read_key }
  }
}
