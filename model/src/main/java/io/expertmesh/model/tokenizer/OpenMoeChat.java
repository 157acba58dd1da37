package io.expertmesh.model.tokenizer;

/**
 * The format of OpenMoE-8B-Chat, whose checkpoint carries no template: {@code <<SYS>>}, the system message and
 * {@code <</SYS>>} once, then for each turn BOS, {@code [INST] question [/INST]}, and the answer with EOS.
 */
final class OpenMoeChat {
  static final String TEMPLATE = """
      {%- if messages and messages[0]['role'] == 'system' -%}
        {%- set system = messages[0]['content'] -%}
        {%- set turns = messages[1:] -%}
      {%- else -%}
        {%- set system = false -%}
        {%- set turns = messages -%}
      {%- endif -%}
      {%- if system is not false -%}
        {{- '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' -}}
      {%- endif -%}
      {%- for message in turns -%}
        {%- if message['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') -%}
          {{- raise_exception('after an optional system message, user and assistant must take turns') -}}
        {%- elif message['role'] == 'user' -%}
          {{- (bos_token | default('')) + '[INST] ' + message['content'] | trim + ' [/INST]' -}}
        {%- else -%}
          {{- ' ' + message['content'] | trim + ' ' + eos_token -}}
        {%- endif -%}
      {%- endfor -%}""";

  private OpenMoeChat() {}
}
