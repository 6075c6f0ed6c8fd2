# Several may do these alike; a key is used by way of the service whose data it encrypts, and no other
locals {
  sqs_send = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
  sqs_consume = [
    "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
  ]
  secretsmanager_read_key = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt"], through = "secretsmanager.${local.region}.amazonaws.com" }
  sqs_write_key           = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt", "kms:GenerateDataKey"], through = "sqs.${local.region}.amazonaws.com" }
  s3_read_key             = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt"], through = "s3.${local.region}.amazonaws.com" }
}

# Who may talk to whom, and who may do what, with what of the workload asks for it; the rest is refused
module "grants" {
  source = "../modules/grants"
  name   = "tea-prod"
  parties = [
    module.hosts.party, module.db.party, module.mailer.party, module.load_balancer.party, module.db_migrate.party,
    module.thumbs.party,
  ]
  allowed = {
    hosts         = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    mailer        = { db = [5432], vpc_endpoints = [443] }
    cloudfront    = { load-balancer = [443] }
    load-balancer = { hosts = [80] }
    db-migrate    = { db = [5432], vpc_endpoints = [443], s3 = [443] }
  }
  groups       = { vpc_endpoints = module.network.endpoints_security_group_id }
  prefix_lists = { s3 = module.network.s3_prefix_list_id }
  statements = {
    # api: read db; send uploads, mails (fanning.py:16). reads which image to run
    ApiReadDb                      = { role = "hosts", actions = ["secretsmanager:GetSecretValue"], resources = concat([module.db_logins.arns["api"]], values(module.secrets.arns)), key = local.secretsmanager_read_key }
    ApiSendUploadsMails            = { role = "hosts", actions = local.sqs_send, resources = concat([module.mails.arn], values(module.uploads.arns)), key = local.sqs_write_key }
    ApiSendUploadsDeadLettersMails = { role = "hosts", actions = ["sqs:GetQueueAttributes"], resources = concat([module.mails.dead_letter_arn], values(module.uploads.dead_letter_arns)) }
    # pulls the workload's image
    PullImage = { role = "hosts", actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resources = [module.images.repository_arn] }
    # signs in to the registry; AWS knows no narrower resource
    SignInToRegistry = { role = "hosts", actions = ["ecr:GetAuthorizationToken"], resources = ["*"] }
    # Session Manager instead of an open port; AWS knows no narrower resource
    BeManaged = { role = "hosts", actions = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"], resources = ["*"] }
    # disk, memory and backups, in their own namespaces alone
    PublishMetrics = { role = "hosts", actions = ["cloudwatch:PutMetricData"], resources = ["*"], when = { StringEquals = { "cloudwatch:namespace" = ["CWAgent", "rung"] } } }
    # writes the logs of its containers
    WriteLogs = { role = "hosts", actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${module.hosts.log_group_arn}:*"] }
    # thumbs: consume uploads; read pictures (fanning.py:18)
    ThumbsConsumeUploads            = { role = "thumbs", actions = local.sqs_consume, resources = values(module.uploads.arns), key = local.sqs_write_key }
    ThumbsConsumeUploadsDeadLetters = { role = "thumbs", actions = local.sqs_send, resources = values(module.uploads.dead_letter_arns) }
    ThumbsReadPictures              = { role = "thumbs", actions = ["s3:GetObject"], resources = ["${module.pictures.arn}/*"], key = local.s3_read_key }
    # mailer: consume mails; read db (fanning.py:19)
    MailerConsumeMails            = { role = "mailer", actions = local.sqs_consume, resources = [module.mails.arn], key = local.sqs_write_key }
    MailerConsumeMailsDeadLetters = { role = "mailer", actions = local.sqs_send, resources = [module.mails.dead_letter_arn] }
    MailerReadDb                  = { role = "mailer", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["mailer"]], key = local.secretsmanager_read_key }
    # sets up the roles of the database and applies the migrations
    DbMigrateSecrets = { role = "db-migrate", actions = ["secretsmanager:GetSecretValue"], resources = concat([module.db.master_secret_arn], values(module.db_logins.arns)), key = local.secretsmanager_read_key }
  }
}
